import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { expect, test } from 'vitest';
import { Reception, serveCrowd, type Taker } from '../../src/workers/reception.js';
import { closeWith, until } from '../peer.js';

/** One that takes when a test lets it. */
class FakeTaker implements Taker {
  readonly given: Socket[] = [];
  load = 0;
  #settle: ((isTaken: boolean) => void) | undefined;

  get isFree(): boolean {
    return this.#settle === undefined;
  }

  give(connection: Socket): Promise<boolean> {
    this.given.push(connection);
    this.load += 1;
    return new Promise((resolve) => {
      this.#settle = resolve;
    });
  }

  settle(isTaken: boolean): void {
    const settle = this.#settle;
    this.#settle = undefined;
    settle?.(isTaken);
  }
}

async function open(takers: FakeTaker[], { crowd = new Set<Reception>(), most = 8 } = {}) {
  const crowded: number[] = [];
  const reception = new Reception({
    door: () => 'clients',
    takers: () => takers,
    mostWaiting: () => most,
    crowd,
    onCrowded: () => void crowded.push(1),
    onError: () => {},
  });
  const address = await reception.listen({ port: 0 });
  closeWith(() => reception.close());
  const visit = async (): Promise<Socket> => {
    const socket = connect(address?.port ?? 0, '127.0.0.1');
    socket.on('error', () => {});
    closeWith(() => void socket.destroy());
    await once(socket, 'connect');
    return socket;
  };
  return { reception, visit, crowded, port: address?.port };
}

test('connections go to those who are free, in turn, one at a time', async () => {
  const takers = [new FakeTaker(), new FakeTaker()];
  const { visit } = await open(takers);
  for (let n = 0; n < 3; n++) await visit();
  await until(() => takers.every(({ given }) => given.length === 1));
  takers[0]?.settle(true);
  await until(() => takers[0]?.given.length === 2);
  expect(takers[1]?.given).toHaveLength(1);
});

test('who has least gets the next one, as soon as it is free', async () => {
  const [one, other] = [new FakeTaker(), new FakeTaker()];
  one.load = 5;
  const { visit } = await open([one, other]);
  for (let n = 0; n < 3; n++) await visit();
  for (let n = 1; n <= 3; n++) {
    await until(() => other.given.length === n);
    other.settle(true);
  }
  expect(one.given).toHaveLength(0);
});

test('who has least and does not take what it was given is not waited for', async () => {
  const [one, stuck] = [new FakeTaker(), new FakeTaker()];
  one.load = 5;
  const { visit } = await open([one, stuck]);
  for (let n = 0; n < 3; n++) await visit();
  for (let n = 1; n <= 2; n++) {
    await until(() => one.given.length === n);
    one.settle(true);
  }
  expect(stuck.given).toHaveLength(1);
});

test('what nobody has taken goes to somebody else', async () => {
  const [dying, other] = [new FakeTaker(), new FakeTaker()];
  const { visit } = await open([dying, other]);
  await visit();
  await until(() => dying.given.length + other.given.length === 1);
  const [first, second] = dying.given.length === 1 ? [dying, other] : [other, dying];
  first.settle(false);
  await until(() => second.given.length === 1);
  expect(second.given[0]).toBe(first.given[0]);
  expect(second.given[0]?.destroyed).toBe(false);
  // Anyone who has it has a handle of its own.
  second.settle(true);
  await until(() => second.given[0]?.destroyed === true);
});

test('who waits while nobody is free is served as soon as somebody is', async () => {
  const takers: FakeTaker[] = [];
  const { reception, visit } = await open(takers);
  await visit();
  const taker = new FakeTaker();
  takers.push(taker);
  reception.serve();
  await until(() => taker.given.length === 1);
});

test('who waits when it closes is sent away, and nobody comes any more', async () => {
  const { reception, visit } = await open([]);
  const waiting = await visit();
  const closed = new Promise((resolve) => waiting.once('close', resolve));
  await until(() => reception.isListening);
  reception.close();
  await closed;
  await expect(visit()).rejects.toMatchObject({ code: 'ECONNREFUSED' });
});

test('of several where somebody waits for the same worker each has its turn', async () => {
  const [taker, crowd] = [new FakeTaker(), new Set<Reception>()];
  const [one, other] = [await open([taker], { crowd }), await open([taker], { crowd })];
  for (const { visit } of [one, one, one, other]) await visit();
  await until(() => taker.given.length === 1 && crowd.size === 2);
  const turns: string[] = [];
  for (let n = 1; n <= 4; n++) {
    await until(() => taker.given.length === n);
    turns.push(taker.given.at(-1)?.localPort === one.port ? 'one' : 'other');
    taker.settle(true);
    serveCrowd(crowd);
  }
  expect(turns).toEqual(['one', 'one', 'other', 'one']);
});

test('whom there is no room for is reset, and that is told', async () => {
  const { visit, crowded } = await open([], { most: 1 });
  await visit();
  await expect(visit().then((beyond) => once(beyond, 'close'))).rejects.toMatchObject({ code: 'ECONNRESET' });
  expect(crowded).toEqual([1]);
});
