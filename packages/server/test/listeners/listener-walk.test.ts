import { Duplex } from 'node:stream';
import { expect, test } from 'vitest';
import { watchInvariants } from 'wsproxy-engine/testing';
import { chooseSeed, Dice } from 'wsproxy-test-support/dice';
import type { Arrivals, Hold } from '../../src/listeners/held.js';
import { type AskedListener, type ListeningClient, ListeningServer } from './listening.js';

watchInvariants();

const WALKS = 60;
const STEPS = 80;
const NAMES = ['a', 'b'];
const PORTS = [8_000, 8_001, 8_002];
const USERS = ['alice', 'bob'];
/** Where a user may listen: undefined for everywhere that the server lets them. */
const RIGHTS = [undefined, PORTS, PORTS.slice(0, 1), PORTS.slice(1), []];

/** A connection that nobody but the walk sees: it says `words`, and is sent them back. */
class Stranger extends Duplex {
  received = '';

  readonly words: string;

  constructor(words: string) {
    super({ allowHalfOpen: true });
    this.words = words;
    this.on('error', () => {});
    this.push(words);
  }

  override _write(chunk: Buffer, _encoding: string, done: () => void): void {
    this.received += chunk.toString();
    done();
  }

  override _read(): void {}
}

/** Ports of a machine that has three, which takes its time. */
class Ports {
  readonly taken = new Map<number, Arrivals>();
  /** So many were given away while somebody had them, or given back while nobody had. */
  mistakes = 0;
  readonly #dice: Dice;

  constructor(dice: Dice) {
    this.#dice = dice;
  }

  readonly hold: Hold = async ({ host, port }, arrivals) => {
    for (let n = this.#dice.between(0, 4); n > 0; n -= 1) await new Promise((resolve) => setImmediate(resolve));
    if (this.taken.has(port)) throw Object.assign(new Error('taken'), { code: 'EADDRINUSE' });
    this.taken.set(port, arrivals);
    return {
      address: { host, port },
      close: () => {
        if (!this.taken.delete(port)) this.mistakes += 1;
      },
    };
  };
}

class Walk {
  readonly #dice: Dice;
  readonly ports: Ports;
  readonly server: ListeningServer;
  readonly asked: { user: string; name: string; client: ListeningClient; listener: AskedListener }[] = [];
  readonly strangers: Stranger[] = [];
  readonly #rights = new Map<string, readonly number[] | undefined>();
  readonly #clients: { user: string; client: ListeningClient; isAway: boolean }[] = [];

  constructor(seed: string) {
    this.#dice = new Dice(seed);
    this.ports = new Ports(this.#dice);
    const limits = { listenersPerUser: 2, listenBacklog: 3 };
    const allowListen = [`127.0.0.1:${PORTS[0]}-${PORTS.at(-1)}`];
    this.server = new ListeningServer({ limits, allowListen, holds: { tcp: this.ports.hold } });
    for (const user of USERS) this.#begin(user);
  }

  async step(): Promise<void> {
    const dice = this.#dice;
    const which = this.#clients[dice.between(0, this.#clients.length)];
    const kind = dice.between(0, 17);
    if (which === undefined) return;
    if (kind < 3) this.#ask(which);
    else if (kind < 7) this.#come();
    else if (kind === 7) this.strangers[dice.between(0, this.strangers.length)]?.destroy(new Error('gone'));
    else if (kind === 8) this.strangers[dice.between(0, this.strangers.length)]?.push(null);
    else if (kind === 9) this.asked[dice.between(0, this.asked.length)]?.listener.listener?.close();
    else if (kind === 10) this.#cut(which);
    else if (kind === 11) this.#restart(which);
    else if (kind === 12) await this.server.pass(dice.between(1, 61) * 1_000);
    else if (kind === 13) this.#begin(which.user);
    else if (kind === 14) this.#judge(which.user);
    else this.asked[dice.between(0, this.asked.length)]?.listener.listener?.end();
    for (let n = dice.between(0, 4); n > 0; n -= 1) await this.server.turn();
    this.check();
  }

  #begin(user: string): void {
    if (this.#clients.filter((other) => other.user === user).length >= 4) return;
    this.#clients.push({ user, client: this.server.connect(user), isAway: false });
  }

  #ask({ user, client }: { user: string; client: ListeningClient }): void {
    const dice = this.#dice;
    const name = NAMES[dice.between(0, NAMES.length)] ?? '';
    const port = [...PORTS, 0][dice.between(0, PORTS.length + 1)] ?? 0;
    const [takesOver, anyPort] = [dice.between(0, 2) === 0, dice.between(0, 2) === 0];
    const listener = client.ask({ name, port, takesOver, anyPort });
    this.asked.push({ user, name, client, listener });
  }

  #come(): void {
    const ports = [...this.ports.taken.values()];
    const arrivals = ports[this.#dice.between(0, ports.length)];
    if (arrivals === undefined) return;
    const stranger = new Stranger(`<${this.strangers.length}>`);
    this.strangers.push(stranger);
    arrivals.arrive({ peer: undefined, local: undefined, name: '' }, stranger);
  }

  #cut(which: { client: ListeningClient; isAway: boolean }): void {
    if (which.isAway) which.client.connect();
    else which.client.cut();
    which.isAway = !which.isAway;
  }

  /** It was killed, or leaves, and starts again. */
  #restart(which: { user: string; client: ListeningClient; isAway: boolean }): void {
    if (this.#dice.between(0, 2) === 0) which.client.cut();
    else this.server.leave(which.client);
    this.#clients.splice(this.#clients.indexOf(which), 1);
    this.#begin(which.user);
  }

  /** The rules of a user are others. */
  #judge(id: string): void {
    const ports = RIGHTS[this.#dice.between(0, RIGHTS.length)];
    this.#rights.set(id, ports);
    this.server.present.set(id, { id, ...(ports && { listen: ports.map((port) => `127.0.0.1:${port}`) }) });
    this.server.registry.endAbsent();
  }

  /** What must hold whenever anybody looks. */
  check(): void {
    const sessions = this.server.registry.describe();
    for (const user of USERS) {
      const open = sessions
        .filter((session) => session.user === user)
        .flatMap(({ listeners }) => listeners.filter((listener) => listener.open));
      const names = open.map(({ name }) => name);
      expect(names).toHaveLength(new Set(names).size);
      for (const { listener } of open) {
        const port = Number(listener.split(':')[1]);
        expect(this.ports.taken.get(port)?.userId).toBe(user);
        expect(this.#rights.get(user) ?? PORTS).toContain(port);
      }
    }
    for (const { listeners } of sessions) for (const { waiting } of listeners) expect(waiting).toBeLessThanOrEqual(3);
    for (const { words, received } of this.strangers) expect(words.startsWith(received)).toBe(true);
    expect([this.ports.mistakes, this.server.table.size <= 4]).toEqual([0, true]);
  }

  /** Everybody leaves. */
  async end(): Promise<void> {
    for (const which of this.#clients) if (which.isAway) this.#cut(which);
    // Those that were killed come back no more.
    await this.server.pass(61_000);
    await this.server.settled();
    for (const { words, received, destroyed } of this.strangers) expect(destroyed ? words : received).toBe(words);
    const heard = this.asked.map(({ listener }) => listener.received).join('');
    for (const { words } of this.strangers) expect(heard.split(words).length).toBeLessThanOrEqual(2);
    this.server.registry.close();
    await this.server.until('nothing is left', () => this.server.guard.inUse.channels === 0);
    await this.server.settled();
    const { sockets, received, sent } = this.server.guard.inUse;
    expect([sockets, received, sent, this.server.table.size, this.ports.taken.size]).toEqual([0, 0, 0, 0, 0]);
    for (const id of USERS) expect(this.server.guard.accounts.of({ id }).listeners).toBe(0);
  }
}

test('anyone who comes, goes, takes over or is killed, a name has one owner, nobody is crossed, and nothing is left', async () => {
  const seed = chooseSeed();
  for (let n = 0; n < WALKS; n += 1) {
    const walk = new Walk(`${seed} ${n}`);
    try {
      for (let step = 0; step < STEPS; step += 1) await walk.step();
      await walk.end();
    } catch (error) {
      throw new Error(`with WSPROXY_SEED=${seed}, walk ${n}`, { cause: error });
    }
  }
}, 120_000);
