import { randomBytes } from 'node:crypto';
import type { Duplex } from 'node:stream';
import { type Clock, systemClock } from 'wsproxy-engine';
import { MAX_MESSAGE } from 'wsproxy-engine/push';
import type { OpenOptions } from '../calls/call-desk.js';
import type { ObservedSession, ServerObserver, SessionEvent } from '../observe/observer.js';
import { Lane } from './lane.js';
import type { KeptStream, MessageStore } from './message-store.js';

/**
 * Sends messages to clients, each once and in order, no matter what becomes of connections, of the client, and with a `store` of this process.
 * A client takes them by `receivePushes`. One process at a time sends a stream.
 */
export function createPushes(server: PushServer, options: PushOptions = {}): Pushes {
  return new Pushes(server, options, systemClock);
}

/** What sends messages to clients. */
export class Pushes {
  readonly #server: PushServer;
  readonly #options: PushOptions;
  readonly #clock: Clock;
  /** By user, then by stream. */
  readonly #lanes = new Map<string, Map<string, Lane>>();
  /** What was kept is loaded; undefined once it is, and without a store. */
  #loading: Promise<void> | undefined;
  #isClosed = false;

  constructor(server: PushServer, options: PushOptions, clock: Clock) {
    this.#server = server;
    this.#options = options;
    this.#clock = clock;
    if (options.store !== undefined) this.#loading = this.#load(options.store);
    this.#loading?.catch(() => {});
    const onSession = (event: SessionEvent, { user, id }: ObservedSession): void => {
      for (const lane of this.#lanes.get(user)?.values() ?? []) lane.onSession(event, id);
    };
    server.observe({ onSession });
    server.followSessions({ onSession, onMissed: () => this.#lookAgain() });
  }

  /**
   * Sends a message to a stream of a user, when a client of the user is there that takes it. Resolves with its number when it is kept,
   * which without a `store` it is at once; `data` is not copied. Rejects with the code `STREAM_FULL` when too much of the stream waits,
   * and as the store does when that cannot keep it: it is not sent then.
   */
  async send(user: string, stream: string, data: string | Uint8Array): Promise<number> {
    if (this.#loading !== undefined) await this.#loading;
    if (this.#isClosed) throw Object.assign(new Error('this was closed, and sends no more'), { code: 'CLOSED' });
    const bytes = typeof data === 'string' ? Buffer.from(data) : Buffer.from(data.buffer, data.byteOffset, data.length);
    const { maxWaiting = DEFAULT_WAITING, store } = this.#options;
    if (bytes.length > MAX_MESSAGE) throw new RangeError(`a message of more than ${MAX_MESSAGE} bytes`);
    const lane = this.#laneOf(user, stream);
    if (!lane.hasRoom(bytes, maxWaiting)) throw full(user, stream);
    if (store === undefined) return lane.add(bytes);
    const { epoch } = lane;
    return lane.addKept(bytes, (number) => store.keep({ user, stream, epoch, number, data: bytes }));
  }

  /** How many messages of a stream its client has not finished. */
  waiting(user: string, stream: string): number {
    return this.#lanes.get(user)?.get(stream)?.waiting ?? 0;
  }

  /** Sends nothing more. What is not finished stays in the store. */
  close(): void {
    this.#isClosed = true;
    for (const lanes of this.#lanes.values()) for (const lane of lanes.values()) lane.close();
  }

  #lookAgain(): void {
    for (const lanes of this.#lanes.values()) for (const lane of lanes.values()) lane.lookAgain();
  }

  async #load(store: MessageStore): Promise<void> {
    for (const kept of await store.load()) this.#begin(kept);
    this.#loading = undefined;
  }

  #laneOf(user: string, stream: string): Lane {
    const lane = this.#lanes.get(user)?.get(stream);
    if (lane !== undefined) return lane;
    const epoch = randomBytes(8).toString('hex');
    return this.#begin({ user, stream, epoch, finished: 0, messages: [] });
  }

  #begin(kept: KeptStream): Lane {
    const { user, stream } = kept;
    const lanes = this.#lanes.get(user) ?? new Map<string, Lane>();
    this.#lanes.set(user, lanes);
    const { store, onError = ignore } = this.#options;
    const options = {
      clock: this.#clock,
      open: (...call: Parameters<PushServer['open']>) => this.#server.open(...call),
      onFinished: (number: number) => {
        // It is told again after a restart, and recognised.
        if (store !== undefined) void (async () => store.finish(user, stream, number))().catch(onError);
      },
    };
    const lane = new Lane(options, kept);
    lanes.set(stream, lane);
    return lane;
  }
}

export interface PushOptions {
  /** Keeps what is not finished, so that it outlives this process. Default: memory. */
  readonly store?: MessageStore | undefined;
  /** Bytes of a stream that may wait for its client, or to be kept; each message counts for 64 more than it has. Default 1 MiB. */
  readonly maxWaiting?: number | undefined;
  /** The store could not forget what is finished. */
  readonly onError?: ((error: unknown) => void) | undefined;
}

/** What is asked of a server. */
export interface PushServer {
  open(user: string, service: string, options: OpenOptions): Promise<Duplex>;
  observe(observer: ServerObserver): void;
  /** The same of sessions in other processes, which clients may come back to. */
  followSessions(follower: {
    onSession(event: SessionEvent, session: ObservedSession): void;
    /** Something may have become of any of them that was not told. */
    onMissed(): void;
  }): void;
}

function full(user: string, stream: string): Error {
  const text = `too much waits for ${JSON.stringify(user)} in ${JSON.stringify(stream)}`;
  return Object.assign(new Error(text), { code: 'STREAM_FULL' });
}

function ignore(): void {}

const DEFAULT_WAITING = 1_048_576;
