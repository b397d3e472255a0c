import { beforeEach, describe, expect, test } from 'vitest';
import { LEASE } from '../../src/store/store.js';
import { SharedWorld, type SharingProcess } from '../store/shared-world.js';
import { type AskedListener, ListeningServer, Visitor } from './listening.js';

/** One process of several, and its server. */
type Process = SharingProcess & { readonly server: ListeningServer };

let world: SharedWorld;
let processes: Process[];
let one: Process;
let other: Process;

async function begin(uid: string): Promise<Process> {
  const process = await world.begin(uid);
  const server = new ListeningServer({ clock: world.clock, exclusives: process.sharing.exclusives });
  return Object.assign(process, { server });
}

beforeEach(async () => {
  world = new SharedWorld();
  one = await begin('one');
  other = await begin('other');
  processes = [one, other];
});

/** So much time passes, in which those who are there say so. */
async function pass(ms: number): Promise<void> {
  const { clock } = world;
  const end = clock.now() + ms;
  do {
    clock.advance(Math.min(500, end - clock.now()));
    for (let turns = 0; turns < 5; turns += 1) for (const { server } of processes) await server.turn();
  } while (clock.now() < end);
}

const until = (what: string, condition: () => boolean): Promise<void> =>
  one.server.until(what, () => {
    void other.server.turn();
    return condition();
  });

/** Somebody who connects there is served by `asked`, and by nobody else. */
async function expectServed(asked: AskedListener): Promise<void> {
  const before = asked.received;
  const visitor = new Visitor({ port: asked.port }, 'hello');
  await until('the echo', () => visitor.received === 'hello');
  expect(asked.received).toBe(`${before}hello`);
}

const holders = (): string[] => world.memory.find(['@listener/alice/web']).flat();

describe('a name that clients of two processes ask for', () => {
  test('is that of the first one, for which the other stands by', async () => {
    const first = await one.server.connect().listen();
    const second = other.server.connect().ask();
    await pass(5_000);
    expect([first.events, second.events, holders()]).toEqual([['listening'], [], ['one']]);
    expect(other.server.linesOf('remote listener stands by')).toHaveLength(1);
    await expectServed(first);
  });

  test('goes to one that takes it over, and the other may stand by then', async () => {
    const owner = one.server.connect();
    const first = await owner.listen();
    const second = await other.server.connect().listen({ takesOver: true });
    await pass(0);
    expect([first.events, second.events]).toEqual([['listening', 'over TAKEN_OVER'], ['listening']]);
    const again = owner.ask();
    await pass(5_000);
    expect([again.events, holders()]).toEqual([[], ['other']]);
    await expectServed(second);
  });

  test('listens nowhere for a client that has lost it', async () => {
    const first = await one.server.connect().listen();
    await other.server.connect().listen({ takesOver: true });
    await pass(0);
    const visitor = new Visitor({ port: first.port });
    await until('nobody listens', () => visitor.ending === 'refused');
  });

  test('goes at once to one that stands by when nobody of the process of its owner wants it any more', async () => {
    const first = await one.server.connect().listen();
    const second = other.server.connect().ask();
    const third = one.server.connect().ask();
    await pass(0);
    first.listener?.close();
    await until('the next one of the same process listens', () => third.events.length > 0);
    expect(second.events).toEqual([]);
    third.listener?.close();
    await until('that of the other process listens', () => second.events.length > 0);
    expect([holders(), first.events, third.events]).toEqual([['other'], ['listening'], ['listening']]);
    await expectServed(second);
  });

  test('goes to one that stands by when its owner has been away for ten seconds, and not before', async () => {
    const owner = one.server.connect();
    const first = await owner.listen();
    const second = other.server.connect().ask();
    await pass(0);
    owner.cut();
    await pass(9_500);
    expect(second.events).toEqual([]);
    await pass(1_000);
    await until('it listens', () => second.events.length > 0);
    owner.connect();
    await until('the former owner is told', () => first.events.length > 1);
    expect(first.events).toEqual(['listening', 'over TAKEN_OVER']);
  });

  test('stays with an owner who is away, while nobody stands by', async () => {
    const owner = one.server.connect();
    const first = await owner.listen();
    owner.cut();
    await pass(25_000);
    owner.connect();
    await expectServed(first);
    expect([first.events, holders()]).toEqual([['listening'], ['one']]);
  });

  test('goes to nobody who is away as well, until that one is back', async () => {
    const [owner, standby] = [one.server.connect(), other.server.connect()];
    const first = await owner.listen();
    const second = standby.ask();
    await pass(0);
    owner.cut();
    standby.cut();
    await pass(25_000);
    expect([holders(), first.events, second.events]).toEqual([['one'], ['listening'], []]);
    standby.connect();
    await pass(10_500);
    await until('it listens', () => second.events.length > 0);
    expect([holders(), second.events]).toEqual([['other'], ['listening']]);
  });

  test('is free of those who stand by no more', async () => {
    const first = await one.server.connect().listen();
    const second = other.server.connect().ask();
    await pass(0);
    second.listener?.close();
    await pass(0);
    first.listener?.close();
    await pass(5_000);
    expect([holders(), world.memory.find(['line/listener/alice/web']), other.server.table.size]).toEqual([[], [[]], 0]);
  });

  test('comes to rest when both take it over from each other', async () => {
    const [a, b] = [one.server.connect(), other.server.connect()];
    const asked = [a.ask({ takesOver: true }), b.ask({ takesOver: true })];
    await pass(2_000);
    const lost = asked.filter(({ events }) => events.some((event) => event.includes('TAKEN_OVER')));
    expect(lost).toHaveLength(1);
    const again = asked[0] === lost[0] ? a.ask() : b.ask();
    await pass(5_000);
    expect([again.events, holders().length]).toEqual([[], 1]);
  });

  test('is each its own of two users', async () => {
    const alice = await one.server.connect('alice').listen();
    const bob = await other.server.connect('bob').listen();
    expect([alice.events, bob.events]).toEqual([['listening'], ['listening']]);
  });

  test('goes to the other process when that of its owner is dead', async () => {
    await one.server.connect().listen();
    const second = other.server.connect().ask();
    one.isCutOff = true;
    await pass(LEASE + 3_000);
    expect([second.events, holders()]).toEqual([['listening'], ['other']]);
  });

  test('is had in each process that is cut off from the store, and by one again afterwards', async () => {
    const first = await one.server.connect().listen();
    [one.isCutOff, other.isCutOff] = [true, true];
    await pass(3_000);
    const second = await other.server.connect().listen();
    await expectServed(first);
    await expectServed(second);
    [one.isCutOff, other.isCutOff] = [false, false];
    await pass(5_000);
    expect([first.events, second.events]).toEqual([['listening'], ['listening', 'over TAKEN_OVER']]);
    await expectServed(first);
  });

  test('is not lost while the store is away for less than a lease', async () => {
    const first = await one.server.connect().listen();
    const second = other.server.connect().ask();
    one.isCutOff = true;
    await pass(5_000);
    one.isCutOff = false;
    await pass(20_000);
    expect([first.events, second.events]).toEqual([['listening'], []]);
  });
});
