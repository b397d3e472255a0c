import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { setTimeout as pause } from 'node:timers/promises';
import { createClient, type RedisClientOptions, type RedisClientType } from '@redis/client';
import { readCounts, readFacts, readTexts, readYes } from './redis-replies.js';
import { SCRIPTS } from './redis-scripts.js';
import {
  type Added,
  DEADLINE,
  type Facts,
  type Holding,
  LEASE,
  type OnNews,
  type ProcessFact,
  REVOCATIONS,
  type Revocation,
  type Store,
  StoreError,
  type Sum,
  type Want,
} from './store.js';
import { parseStoreAddress, type StoreAddress } from './store-address.js';

/**
 * What processes share, in a Valkey or Redis (docs/store.md). It does not wait for the first connection, and connects again and
 * again. This module is loaded only where there is such a store.
 * @throws OptionError for an address that cannot be used
 */
export function createRedisStore(url: string, uid: string): Store {
  return new RedisStore(parseStoreAddress(url), uid);
}

class RedisStore implements Store {
  readonly #url: string;
  readonly #uid: string;
  readonly #keys: Keys;
  /** Of the last call that may be done once, and in its order. */
  #number = 0;
  #client: RedisClientType;
  /** The first attempt to connect has succeeded, or has not. */
  readonly #first: Promise<unknown>;
  /** Answers that have not come in time, one after the other. */
  #missed = 0;
  /** Why there is no connection, as the last attempt has told it. */
  #trouble: string | undefined;
  #listener: RedisClientType | undefined;

  constructor({ url, prefix }: StoreAddress, uid: string) {
    this.#uid = uid;
    this.#keys = {
      channel: `${prefix}news`,
      processes: `${prefix}processes`,
      revocations: `${prefix}revocations`,
      process: `${prefix}process:`,
      sums: `${prefix}bytes:`,
    };
    this.#url = url;
    this.#client = this.#connect();
    const tried = ['ready', 'error'].map((event) => once(this.#client, event));
    this.#first = Promise.race([...tried, pause(DEADLINE, undefined, { ref: false })]).catch(() => {});
  }

  async add(fact: ProcessFact | Revocation): Promise<Added> {
    const { processes, process, revocations, channel } = this.#keys;
    if (fact.kind === 'revocation') {
      const args = [channel, String(REVOCATIONS), `${fact.token}:${fact.user}:${this.#uid}`];
      await this.#run('revoke', [revocations], args);
      return { isNew: false };
    }
    const { node, address, holdings } = fact;
    const number = holdings === undefined ? '' : this.#next();
    const args = [this.#uid, String(LEASE), node, address, number, ...(holdings ?? []).flatMap(asArgs)];
    return { isNew: readYes(await this.#run('add', [processes, process + this.#uid], args)) };
  }

  async take(wants: readonly Want[]): Promise<readonly number[]> {
    const { processes, process, channel } = this.#keys;
    const args = [this.#uid, process, this.#next(), channel, ...wants.flatMap(wantAsArgs)];
    return readCounts(await this.#run('take', [processes, process + this.#uid], args), wants.length);
  }

  async give(holdings: readonly Holding[]): Promise<void> {
    const { process, channel } = this.#keys;
    const args = [this.#next(), String(LEASE), channel, ...holdings.flatMap(asArgs)];
    await this.#run('give', [process + this.#uid], args);
  }

  async read(mark?: number): Promise<Facts> {
    const { processes, process, revocations } = this.#keys;
    const args = [process, mark === undefined ? '' : String(mark)];
    return readFacts(await this.#run('read', [processes, revocations, process + this.#uid], args), this.#uid);
  }

  async find(keys: readonly string[]): Promise<readonly (readonly string[])[]> {
    const { processes, process } = this.#keys;
    return readTexts(await this.#run('find', [processes], [process, ...keys]), keys.length);
  }

  async spend(month: string, sums: readonly Sum[]): Promise<readonly number[]> {
    const { sums: prefix } = this.#keys;
    const keys = [`${prefix}${month}`, `${prefix}${month}:${this.#uid}`];
    const args = sums.flatMap(({ user, bytes }) => [user, String(bytes)]);
    const reply = await this.#run('spend', keys, [String(SUMS_KEPT), String(OWN_SUMS_KEPT), ...args]);
    return readCounts(reply, sums.length);
  }

  watch(onNews: OnNews): void {
    const listener = connect(this.#url, { disableOfflineQueue: false });
    this.#listener = listener;
    // Subscribed anew with each connection; what was told in between is found by looking.
    listener.subscribe(this.#keys.channel, (keys) => onNews(keys === '' ? [] : keys.split('\n'))).catch(() => {});
    listener.on('ready', () => onNews([]));
  }

  async close(): Promise<void> {
    const { process, channel } = this.#keys;
    await this.#run('leave', [process + this.#uid], [channel]).catch(() => {});
    this.#listener?.destroy();
    this.#client.destroy();
  }

  #next(): string {
    this.#number += 1;
    return String(this.#number);
  }

  async #run(name: keyof typeof SCRIPTS, keys: string[], args: string[]): Promise<unknown> {
    const options = { keys, arguments: args };
    return this.#within(async () => {
      try {
        return await this.#client.evalSha(DIGESTS[name], options);
      } catch (error) {
        // It has started anew.
        if (!isReply(error, 'NOSCRIPT')) throw error;
        return this.#client.eval(SCRIPTS[name], options);
      }
    });
  }

  /** @throws StoreError */
  async #within<T>(call: () => Promise<T>): Promise<T> {
    await this.#first;
    if (!this.#client.isReady) throw new StoreError('away', noConnection(this.#trouble));
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<never>((_, reject) => {
      timer = setTimeout(() => {
        reject(new StoreError('away', `no answer of the store within ${DEADLINE} ms`));
        this.#miss();
      }, DEADLINE);
    });
    try {
      const answer = await Promise.race([call(), late]);
      this.#missed = 0;
      return answer;
    } catch (error) {
      if (error instanceof StoreError) throw error;
      if (isReply(error, 'LEASE')) throw new StoreError('lease', 'the lease of the process has ended');
      throw new StoreError('away', error instanceof Error ? error.message : String(error), { cause: error });
    } finally {
      clearTimeout(timer);
    }
  }

  /** A connection on which nothing comes may be dead without a word, and what was asked on it waits there for ever. */
  #miss(): void {
    this.#missed += 1;
    if (this.#missed < MOST_MISSED || !this.#client.isOpen) return;
    this.#missed = 0;
    this.#client.destroy();
    this.#client = this.#connect();
  }

  #connect(): RedisClientType {
    this.#trouble = undefined;
    return connect(this.#url).on('error', (error) => {
      this.#trouble = describe(error);
    });
  }
}

const MOST_MISSED = 3;

interface Keys {
  readonly channel: string;
  readonly processes: string;
  readonly revocations: string;
  /** Before the uid of a process. */
  readonly process: string;
  /** Before the month; before the uid of a process as well where they are its own. */
  readonly sums: string;
}

const DAY = 86_400_000;
/** Longer than a month. */
const SUMS_KEPT = 40 * DAY;
/** A process that is away for longer counts twice what it has carried before. */
const OWN_SUMS_KEPT = 2 * DAY;
/** From one attempt to connect to the next one, ms: the first, and the longest. */
const [FIRST_PAUSE, LONGEST_PAUSE] = [50, 1_000] as const;

const DIGESTS = Object.fromEntries(
  Object.entries(SCRIPTS).map(([name, script]) => [name, createHash('sha1').update(script).digest('hex')]),
) as Record<keyof typeof SCRIPTS, string>;

/** Characters: anything that answers there may say anything. */
const LONGEST_TROUBLE = 200;

function connect(url: string, options: Partial<RedisClientOptions> = {}): RedisClientType {
  const client = createClient({
    url,
    socket: {
      connectTimeout: DEADLINE,
      reconnectStrategy: (retries) => Math.min(FIRST_PAUSE * 2 ** retries, LONGEST_PAUSE),
    },
    // What is asked while there is no connection would be answered when nobody needs it any more.
    disableOfflineQueue: true,
    disableClientInfo: true,
    maintNotifications: 'disabled',
    ...options,
  }) as RedisClientType;
  // Each call tells by itself.
  client.on('error', () => {});
  client.connect().catch(() => {});
  return client;
}

function noConnection(trouble: string | undefined): string {
  return `no connection to the store${trouble === undefined ? '' : `: ${trouble}`}`;
}

/** A wrong password, a database that is not there, a refused connection: each is told as the store, or the system, names it. */
function describe(error: Error & { readonly code?: unknown }): string {
  // Of a name with several addresses only the code is told.
  return (error.message || String(error.code ?? error.name)).slice(0, LONGEST_TROUBLE);
}

function asArgs({ key, held }: Holding): [string, string] {
  return [key, String(held)];
}

function wantAsArgs({ key, need, wish, limit, over }: Want): string[] {
  return [key, String(need), String(wish), String(limit), over ? '1' : ''];
}

function isReply(error: unknown, code: string): boolean {
  // Some versions put ERR before what a script says.
  return error instanceof Error && error.message.replace(/^ERR /, '').startsWith(code);
}
