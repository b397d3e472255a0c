import { setTimeout as pause } from 'node:timers/promises';
import { Dice } from 'wsproxy-test-support/dice';
import { bySocks5 } from 'wsproxy-test-support/sockets/application';
import { CuttingRelay } from 'wsproxy-test-support/sockets/cutting-relay';
import { type Exchange, exchange, startPartner } from 'wsproxy-test-support/traffic';
import { until } from 'wsproxy-test-support/until';
import { type Balance, Books } from './books.js';
import { End, type EndOptions, type Holdings } from './end.js';
import { History } from './history.js';

/** `quick` is for every day, and a part of `npm test`. */
export type Effort = 'full' | 'quick';

/** How long it took until an application had bytes again, after which fault, ms. */
export interface Recovery {
  readonly kind: string;
  readonly time: number;
}

/** What a scenario has shown. */
export interface Outcome {
  readonly balance: Balance;
  readonly recoveries: readonly Recovery[];
  /** Of each end, MiB. */
  readonly peakMemory: Readonly<Record<'client' | 'server', number>> | undefined;
  /** What both ends hold more than before, when everything is over. */
  readonly left: Readonly<Record<'descriptors' | 'timers', number>> | undefined;
  readonly figures: Readonly<Record<string, string | number>>;
  /** None: it has passed. */
  readonly failures: readonly string[];
}

export interface TunnelOptions {
  readonly server?: readonly string[];
  readonly client?: readonly string[];
  readonly serverOptions?: EndOptions;
  readonly clientOptions?: EndOptions;
  /** What stands between the relay and the server; gives the port that the relay is to use, and the client's URL. */
  readonly behind?: (serverPort: number) => Promise<{ port: number; url(relayPort: number): string }>;
}

/** Both programs, and the relay between them. */
export interface Ends {
  server: End;
  readonly client: End;
  readonly relay: CuttingRelay;
  /** Where applications find SOCKS and HTTP. */
  readonly proxy: number;
  readonly before: Readonly<Record<'client' | 'server', Holdings>>;
}

/** What the one side of an exchange has sent may still be on its way when the other has had all that it is to have, ms. */
const ARRIVED_IN = 60_000;
/** After the last byte an end closes what it had open within this time, ms. */
const SETTLED_IN = 30_000;
const AFTER_FAILURE = 50;
const MIB = 1024 * 1024;
/** No test is about how many connections an application may begin. */
const NO_LIMITS = [
  '--max-failed-dials-per-second',
  '1000000',
  '--max-failed-dials-burst',
  '1000000',
  '--max-pending-dials',
  '100000',
];

export interface LabOptions {
  readonly seed: string;
  readonly effort: Effort;
  /** Where the history is written. */
  readonly folder: string;
  readonly minutes?: number | undefined;
}

/** One run of one scenario: its chance, its ends, and what it has to tell. */
export class Lab {
  readonly effort: Effort;
  /** How long a run of an end that is open may take, if not as long as it likes. */
  readonly minutes: number | undefined;
  readonly seed: string;
  readonly dice: Dice;
  readonly history: History;
  readonly books: Books;
  /** How far the run is, in a few words. */
  status = '';
  readonly #recoveries: Recovery[] = [];
  readonly #figures: Record<string, string | number> = {};
  readonly #failures: string[] = [];
  #peakMemory: Outcome['peakMemory'];
  #left: Outcome['left'];

  constructor(id: string, { seed, effort, folder, minutes }: LabOptions) {
    this.effort = effort;
    this.minutes = minutes;
    this.seed = seed;
    this.dice = new Dice(`${id} ${seed}`);
    this.history = new History(folder, id);
    this.books = new Books(this.history);
    this.history.note('start', { id, seed, effort, node: process.version });
  }

  /** The one for the full run, or the one for the quick one. */
  size<T>(full: T, quick: T): T {
    return this.effort === 'full' ? full : quick;
  }

  async startTunnel(options: TunnelOptions = {}): Promise<Ends> {
    const server = await End.start('wsproxy-server', serverArguments(options.server), options.serverOptions);
    const { port, url } = (await options.behind?.(server.port)) ?? { port: server.port, url: plainUrl };
    const relay = await new CuttingRelay(port, this.dice).start();
    const args = [url(relay.port), ...(options.client ?? [])];
    const client = await End.start('wsproxy-client', args, options.clientOptions);
    await this.expect('a first request is served', this.isServed(client.port));
    const before = { client: await atRest(client), server: await atRest(server) };
    for (const end of [client, server]) end.forgetPeak();
    return { server, client, relay, proxy: client.port, before };
  }

  /** Starts a server again, at the place of one that has ended. */
  restartServer(port: number, args: readonly string[] = []): Promise<End> {
    return End.start('wsproxy-server', serverArguments(args), { port });
  }

  /** What an end logs is a part of the history. */
  follow(name: string, { program }: End): void {
    program.child.stderr?.on('data', (text: string) => {
      for (const line of text.trimEnd().split('\n')) this.history.note('log', { of: name, line });
    });
  }

  /** One exchange with a destination of its own comes to its end. */
  async isServed(proxy: number): Promise<boolean> {
    try {
      await this.exchange(proxy, { kind: 'both', up: 1_000, down: 1_000, pause: 0 });
      return true;
    } catch (error) {
      this.history.note('not served', { error: String(error) });
      return false;
    }
  }

  #exchanges = 0;
  #partner: Promise<number> | undefined;

  /** Where the other half of exchanges is done. */
  get partner(): Promise<number> {
    this.#partner ??= startPartner(this.books).then(({ port }) => port);
    return this.#partner;
  }

  /** Passes bytes both ways, every one of which goes into the books. */
  async exchange(proxy: number, agreed: Omit<Exchange, 'seed'>): Promise<void> {
    this.#exchanges += 1;
    const seed = `${this.seed} ${this.#exchanges}`;
    await exchange(bySocks5, proxy, await this.partner, { ...agreed, seed }, this.books);
  }

  /** Keeps so many exchanges going, one after the other; to stop gives what went wrong with those that failed. */
  keepBusy(proxy: number, count: number, agreed: () => Omit<Exchange, 'seed'>): () => Promise<readonly string[]> {
    let isOver = false;
    const errors: string[] = [];
    const run = async (): Promise<void> => {
      while (!isOver) {
        await this.exchange(proxy, agreed()).catch(async (error: unknown) => {
          errors.push(String(error));
          this.history.note('not served', { error: String(error) });
          // Nothing is gained by asking a proxy in a tight loop that refuses at once.
          await pause(AFTER_FAILURE);
        });
      }
    };
    const all = Promise.all(Array.from({ length: count }, run));
    return async () => {
      isOver = true;
      await all;
      return errors;
    };
  }

  /** Notes how long it takes from now until bytes arrive again, over a new transport if the old one was cut. */
  async recovery(
    kind: string,
    client: End,
    options: { readonly cut: boolean; readonly within: number },
  ): Promise<void> {
    const { welcomes } = client;
    const start = performance.now();
    this.history.note('fault', { kind });
    if (options.cut) await until(`a transport is back after ${kind}`, () => client.welcomes > welcomes, options.within);
    const back = options.cut ? client.lastWelcome : start;
    const { books } = this;
    await until(`bytes arrive after ${kind}`, () => books.lastByte > back || books.isComplete, options.within);
    // What was left of the last exchange may have arrived before the client said that it is back.
    this.note({ kind, time: Math.max(books.lastByte, back) - start });
  }

  /** Bytes arrive from now on. */
  async flow(when: string, within: number): Promise<void> {
    const start = performance.now();
    await until(`bytes arrive ${when}`, () => this.books.lastByte > start, within);
  }

  note(recovery: Recovery): void {
    this.#recoveries.push(recovery);
    this.history.note('recovered', { ...recovery });
  }

  figure(name: string, value: string | number): void {
    this.#figures[name] = typeof value === 'number' ? Math.round(value * 100) / 100 : value;
    this.history.note('figure', { name, value });
  }

  /** Tells a failure without ending the run. */
  async expect(what: string, holds: boolean | Promise<boolean>): Promise<void> {
    if (await holds) return;
    this.fail(what);
  }

  fail(what: string): void {
    this.#failures.push(what);
    this.history.note('failure', { what });
  }

  /** Reads what the ends hold once all is over; both must be back to what they held before. */
  async settle({ client, server, before }: Pick<Ends, 'client' | 'server' | 'before'>): Promise<void> {
    this.#peakMemory = { client: Math.round(client.memory.peak / MIB), server: Math.round(server.memory.peak / MIB) };
    let waits = '';
    const left = async () => {
      const now = { client: await client.holdings(), server: await server.holdings() };
      waits = `${now.client.waits} of the client, ${now.server.waits} of the server`;
      const more = (what: 'descriptors' | 'timers') =>
        Math.max(0, now.client[what] - before.client[what]) + Math.max(0, now.server[what] - before.server[what]);
      return { descriptors: more('descriptors'), timers: more('timers') };
    };
    const start = performance.now();
    for (;;) {
      this.#left = await left();
      const { descriptors, timers } = this.#left;
      if (!(descriptors > 0 || timers > 0)) return;
      if (performance.now() - start > SETTLED_IN) break;
      await pause(500);
    }
    this.fail(`left behind: ${JSON.stringify(this.#left)}; all timers, ms: ${waits}`);
  }

  /** Nothing was lost, doubled, late or changed, and nobody saw a reset. */
  async expectIntact(): Promise<void> {
    await until('everything that was sent has arrived', () => this.books.isComplete, ARRIVED_IN);
    const { bytes, ...faults } = this.books.balance();
    if (bytes === 0) this.fail('no byte has passed');
    for (const [kind, count] of Object.entries(faults)) if (count > 0) this.fail(`${count} ${kind}`);
  }

  outcome(): Outcome {
    return {
      balance: this.books.balance(),
      recoveries: this.#recoveries,
      peakMemory: this.#peakMemory,
      left: this.#left,
      figures: this.#figures,
      failures: this.#failures,
    };
  }
}

function plainUrl(port: number): string {
  return `ws://127.0.0.1:${port}/`;
}

export function serverArguments(args: readonly string[] = []): string[] {
  return ['--allow-private', '--no-access-log', ...NO_LIMITS, ...args];
}

/** What an end holds when nothing is under way: a timer for an acknowledgement may run at any one moment. */
export async function atRest(end: End): Promise<Holdings> {
  const first = await end.holdings();
  await pause(100);
  const second = await end.holdings();
  return {
    descriptors: Math.min(first.descriptors, second.descriptors),
    timers: Math.min(first.timers, second.timers),
    waits: second.waits,
    heap: second.heap,
  };
}
