import { expect, test } from 'vitest';
import { endAll } from 'wsproxy-test-support/cleanup/at-end';
import { chooseSeed, Dice } from 'wsproxy-test-support/dice';
import type { Hold } from '../../src/listeners/held.js';
import { SharedWorld, type SharingProcess } from '../store/shared-world.js';
import { type AskedListener, type ListeningClient, ListeningServer } from './listening.js';

const WALKS = 40;
const STEPS = 40;
const UIDS = ['a', 'b', 'c'];
/** Its session lives for longer, ms. */
const LONGEST_ABSENCE = 30_000;

/** A client that asks again, and stands by then, when another one has taken its listener over: as wsproxy-client does. */
class Asking {
  readonly process: WalkingProcess;
  readonly #client: ListeningClient;
  /** By the clock; undefined while it is there. */
  #awaySince: number | undefined;
  #asked: AskedListener;

  constructor(process: WalkingProcess, takesOver: boolean) {
    this.process = process;
    this.#client = process.server.connect();
    this.#asked = this.#client.ask({ takesOver });
  }

  /** The last that it has heard of its listener. */
  get state(): string {
    return this.#asked.events.at(-1) ?? 'waits';
  }

  askAgain(): void {
    if (this.state.endsWith('TAKEN_OVER')) this.#asked = this.#client.ask();
  }

  get awayMs(): number {
    return this.#awaySince === undefined ? 0 : this.process.server.clock.now() - this.#awaySince;
  }

  cut(): void {
    if (this.#awaySince !== undefined) return;
    this.#awaySince = this.process.server.clock.now();
    this.#client.cut();
  }

  comeBack(): void {
    if (this.#awaySince === undefined) return;
    this.#awaySince = undefined;
    this.#client.connect();
  }

  close(): void {
    this.comeBack();
    this.#asked.listener?.close();
  }

  leave(): void {
    this.comeBack();
    this.process.server.leave(this.#client);
  }
}

type WalkingProcess = SharingProcess & { readonly server: ListeningServer; readonly held: Set<object> };

class Walk {
  readonly #dice: Dice;
  readonly #world = new SharedWorld();
  readonly #processes: WalkingProcess[] = [];
  #clients: Asking[] = [];

  constructor(seed: string) {
    this.#dice = new Dice(seed);
  }

  async begin(): Promise<void> {
    for (const uid of UIDS) {
      const process = await this.#world.begin(uid);
      const held = new Set<object>();
      const hold: Hold = async ({ host }) => {
        for (let n = this.#dice.between(0, 4); n > 0; n -= 1) await new Promise(setImmediate);
        const own = {};
        held.add(own);
        return { address: { host, port: 8_000 }, close: () => held.delete(own) };
      };
      const options = { clock: this.#world.clock, exclusives: process.sharing.exclusives, holds: { tcp: hold } };
      const server = new ListeningServer({ ...options, limits: { sessionsPerUser: 100 } });
      this.#processes.push(Object.assign(process, { server, held }));
    }
  }

  async step(): Promise<void> {
    const dice = this.#dice;
    const process = this.#processes[dice.between(0, UIDS.length)];
    const client = this.#clients[dice.between(0, this.#clients.length)];
    if (process === undefined) return;
    for (const each of this.#clients) if (each.awayMs > LONGEST_ABSENCE) each.comeBack();
    const kind = dice.between(0, 10);
    if (kind < 3 && this.#clients.length < 5) this.#clients.push(new Asking(process, dice.between(0, 2) === 0));
    else if (kind === 3) client?.[client.awayMs > 0 ? 'comeBack' : 'cut']();
    else if (kind === 4 && client !== undefined) this.#drop(client, dice.between(0, 2) === 0);
    else if (kind === 5) process.isCutOff = !process.isCutOff;
    else if (kind === 6) await this.#pass(dice.between(1, 14) * 1_000);
    else if (kind === 7) this.#world.memory.forget(UIDS[dice.between(0, UIDS.length)] ?? '');
    else for (const each of this.#clients) each.askAgain();
    await this.#pass(dice.between(0, 3) * 500);
    for (const { held } of this.#processes) expect(held.size).toBeLessThanOrEqual(1);
  }

  #drop(client: Asking, leaves: boolean): void {
    if (leaves) client.leave();
    else client.close();
    this.#clients = this.#clients.filter((other) => other !== client);
  }

  async #pass(ms: number): Promise<void> {
    const { clock } = this.#world;
    const end = clock.now() + ms;
    do {
      clock.advance(Math.min(500, end - clock.now()));
      for (let turns = 0; turns < 4; turns += 1) for (const { server } of this.#processes) await server.turn();
    } while (clock.now() < end);
  }

  /** All are there again, and reach the store. */
  async rest(): Promise<void> {
    for (const process of this.#processes) process.isCutOff = false;
    for (const client of this.#clients) client.comeBack();
    for (let round = 0; round < 6; round += 1) {
      await this.#pass(5_000);
      for (const client of this.#clients) client.askAgain();
    }
    const states = this.#clients.map(({ state }) => state).sort();
    const waiting = Array(Math.max(0, states.length - 1)).fill('waits');
    expect(states).toEqual(states.length === 0 ? [] : ['listening', ...waiting]);
    const owner = this.#clients.find(({ state }) => state === 'listening')?.process;
    const holders = UIDS.filter((_, n) => owner !== undefined && this.#processes[n] === owner);
    expect(this.#world.memory.find(['@listener/alice/web']).flat()).toEqual(holders);
    expect(UIDS.filter((_, n) => this.#processes[n]?.held.size === 1)).toEqual(holders);
  }

  /** Everybody leaves. */
  async end(): Promise<void> {
    for (const client of [...this.#clients]) this.#drop(client, true);
    await this.#pass(70_000);
    expect(this.#processes.map(({ server, held }) => [server.table.size, held.size])).toEqual(UIDS.map(() => [0, 0]));
    expect(this.#world.memory.find(['@listener/alice/web', 'line/listener/alice/web'])).toEqual([[], []]);
  }
}

test('a name of several processes is that of one client in the end, no matter what happens, and nothing is left', async () => {
  const seed = chooseSeed();
  for (let n = 0; n < WALKS; n += 1) {
    const walk = new Walk(`${seed} ${n}`);
    try {
      await walk.begin();
      for (let step = 0; step < STEPS; step += 1) await walk.step();
      await walk.rest();
      await walk.end();
      await endAll();
    } catch (error) {
      throw new Error(`with WSPROXY_SEED=${seed}, walk ${n}`, { cause: error });
    }
  }
}, 120_000);
