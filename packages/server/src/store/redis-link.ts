import { once } from 'node:events';
import { setTimeout as pause } from 'node:timers/promises';
import { createClient, type RedisClientOptions, type RedisClientType } from '@redis/client';
import { DEADLINE, StoreError } from './store.js';

/** The way to a Valkey or Redis. It does not wait for the first connection, and connects again and again. */
export class RedisLink {
  readonly #url: string;
  #client: RedisClientType;
  /** The first attempt to connect has succeeded, or has not. */
  readonly #first: Promise<unknown>;
  /** Answers that have not come in time, one after the other. */
  #missed = 0;
  /** Why there is no connection, as the last attempt has told it. */
  #trouble: string | undefined;
  #listener: RedisClientType | undefined;

  constructor(url: string) {
    this.#url = url;
    this.#client = this.#connect();
    const tried = ['ready', 'error'].map((event) => once(this.#client, event));
    this.#first = Promise.race([...tried, pause(DEADLINE, undefined, { ref: false })]).catch(() => {});
  }

  /** What the store answers within `deadline` ms. Rejects with a StoreError: that of `ask`, or `away`. */
  async call<T>(ask: (client: RedisClientType) => Promise<T>, deadline: number = DEADLINE): Promise<T> {
    await this.#first;
    if (!this.#client.isReady) throw new StoreError('away', noConnection(this.#trouble));
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<never>((_, reject) => {
      timer = setTimeout(() => {
        reject(new StoreError('away', `no answer of the store within ${deadline} ms`));
        this.#miss();
      }, deadline);
    });
    try {
      const answer = await Promise.race([ask(this.#client), late]);
      this.#missed = 0;
      return answer;
    } catch (error) {
      if (error instanceof StoreError) throw error;
      throw new StoreError('away', error instanceof Error ? error.message : String(error), { cause: error });
    } finally {
      clearTimeout(timer);
    }
  }

  /**
   * Tells what is published on `channel`, and of each connection by nothing: what was told in between has to be found by looking. Once.
   */
  subscribe(channel: string, onMessage: (message: string) => void): void {
    const listener = connect(this.#url, { disableOfflineQueue: false });
    this.#listener = listener;
    // Subscribed anew with each connection.
    listener.subscribe(channel, onMessage).catch(() => {});
    listener.on('ready', () => onMessage(''));
  }

  close(): void {
    this.#listener?.destroy();
    this.#client.destroy();
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
/** From one attempt to connect to the next one, ms: the first, and the longest. */
const [FIRST_PAUSE, LONGEST_PAUSE] = [50, 1_000] as const;
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
