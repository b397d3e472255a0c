import type { Socket } from 'node:net';
import { type Channel, type Clock, Watch } from 'wsproxy-engine';
import { type RelaySocket, resetSocket } from 'wsproxy-node/sockets';
import type { LimitName } from './limits.js';

/** Looks so often within a time-out, so that one may last this much longer: a quarter. */
const LOOKS = 4;
const LONGEST_INTERVAL = 15_000;

/** Resets channels that make no progress. One timer for all of them, and no work for each chunk. */
export class SilenceWatch {
  readonly #options: SilenceWatchOptions;
  readonly #watch: Watch<Watched>;

  constructor(options: SilenceWatchOptions) {
    this.#options = options;
    const shortest = Math.min(options.idleTimeout || Infinity, options.halfClosedTimeout || Infinity);
    const interval = Math.min(shortest / LOOKS, LONGEST_INTERVAL);
    this.#watch = new Watch(options.clock, interval, (watched, now) => this.#look(watched, now));
  }

  /** Until both the channel and its socket are gone; undefined when nothing would ever be too long. */
  add(channel: Channel, socket: RelaySocket): Watched | undefined {
    const { clock, idleTimeout, halfClosedTimeout } = this.#options;
    if (idleTimeout === 0 && halfClosedTimeout === 0) return undefined;
    const watched = { channel, socket, progress: progressOf(channel, socket), since: clock.now() };
    this.#watch.add(watched);
    return watched;
  }

  /** Both are. */
  leave(watched: Watched): void {
    this.#watch.delete(watched);
  }

  #look(watched: Watched, now: number): void {
    const { idleTimeout, halfClosedTimeout, onTimeout } = this.#options;
    const { channel, socket } = watched;
    const progress = progressOf(channel, socket);
    if (progress !== watched.progress) {
      watched.progress = progress;
      watched.since = now;
      return;
    }
    const isHalf = hasEnded(channel);
    const limit = isHalf ? halfClosedTimeout : idleTimeout;
    if (limit === 0 || now - watched.since < limit) return;
    this.leave(watched);
    onTimeout(isHalf ? 'halfClosedTimeout' : 'idleTimeout', channel);
    channel.reset('TIMED_OUT');
    resetSocket(socket);
  }
}

export interface SilenceWatchOptions {
  readonly clock: Clock;
  /** For a channel of which nothing has ended, ms; 0 for ever. */
  readonly idleTimeout: number;
  /** For one of which a direction has ended, or whose socket outlives it, ms; 0 for ever. */
  readonly halfClosedTimeout: number;
  readonly onTimeout: (limit: LimitName, channel: Channel) => void;
}

export interface Watched {
  readonly channel: Channel;
  readonly socket: RelaySocket;
  progress: number;
  /** When it had come so far. */
  since: number;
}

/** Grows with every byte that either end takes, and with every end. */
function progressOf(channel: Channel, socket: RelaySocket & Partial<Pick<Socket, 'bytesWritten'>>): number {
  const { state, figures } = channel;
  const ends = Number(state.sending !== 'open') + Number(state.receiving !== 'open');
  // Of a stream that does not count, what it still holds tells of each byte that it has passed on.
  const { bytesWritten = figures.bytesReceived } = socket;
  return figures.bytesSent + figures.bytesReceived + bytesWritten - socket.writableLength + ends;
}

function hasEnded({ state }: Channel): boolean {
  return state.dead || state.sending !== 'open' || state.receiving !== 'open';
}
