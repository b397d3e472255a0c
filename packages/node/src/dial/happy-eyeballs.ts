import { isIPv6, type Socket } from 'node:net';
import type { Clock, Timer } from 'wsproxy-engine';
import { dialFailure } from '../targets/dial-failure.js';

/** A connected socket and the address it was dialled at. */
export interface Dialed {
  readonly socket: Socket;
  readonly address: string;
}

/** What attempts may take beyond the first one, for which there is a place already. */
export interface AttemptRoom {
  /** Whether there was a place for one more socket. Whoever got it gives it back with `releaseAttempt`. */
  takeAttempt(): boolean;
  releaseAttempt(): void;
}

export interface ConnectFirstOptions {
  /** Starts one attempt; the socket emits `connect` or `error` later, never at once. */
  readonly connect: (address: string) => Socket;
  /** Head start of an attempt over the next one, ms. */
  readonly attemptDelay: number;
  readonly clock: Clock;
  /** Default: there is always room. */
  readonly room?: AttemptRoom | undefined;
  /** Ends every attempt at once; the promise rejects with its reason. */
  readonly signal: AbortSignal;
}

/**
 * Connects to whichever address answers first (RFC 8305 section 5): families alternate, the next attempt starts after
 * `attemptDelay` or as soon as one fails, and a slow attempt runs on beside the later ones, unlike Node's own
 * `autoSelectFamily`, which gives each address 250 ms and so never reaches a far host. One for which there is no room waits
 * until there is, or until all before it have failed.
 */
export function connectFirst(addresses: readonly string[], options: ConnectFirstOptions): Promise<Dialed> {
  const { connect, attemptDelay, clock, signal, room } = options;
  return new Promise((resolve, reject) => {
    const queue = alternateFamilies(addresses);
    const attempts = new Set<Socket>();
    const errors: Error[] = [];
    let timer: Timer | undefined;
    /** Places taken. */
    let taken = 0;

    const hasRoom = () => {
      if (attempts.size === 0 || room === undefined) return true;
      if (!room.takeAttempt()) return false;
      taken += 1;
      return true;
    };
    const releaseRoom = () => {
      for (; taken > Math.max(0, attempts.size - 1); taken -= 1) room?.releaseAttempt();
    };
    const finish = () => {
      timer?.cancel();
      signal.removeEventListener('abort', onAbort);
      for (const socket of attempts) socket.destroy();
      attempts.clear();
      releaseRoom();
    };
    const onAbort = () => {
      finish();
      reject(signal.reason);
    };
    const attemptNext = () => {
      timer?.cancel();
      if (queue.length > 0) {
        if (hasRoom()) attempt(queue.shift() ?? '');
        if (queue.length > 0) timer = clock.setTimer(attemptNext, attemptDelay);
      } else if (attempts.size === 0) {
        finish();
        reject(dialFailure(errors));
      }
    };
    const attempt = (address: string) => {
      const socket = connect(address);
      attempts.add(socket);
      const onError = (error: Error) => {
        if (!attempts.delete(socket)) return;
        errors.push(error);
        releaseRoom();
        attemptNext();
      };
      socket.on('error', onError);
      socket.once('connect', () => {
        if (!attempts.delete(socket)) return;
        socket.off('error', onError);
        finish();
        resolve({ socket, address });
      });
    };

    signal.addEventListener('abort', onAbort, { once: true });
    if (signal.aborted) onAbort();
    else attemptNext();
  });
}

/** The order of RFC 8305 section 4: the family of the first address leads, then one of each in turn. */
function alternateFamilies(addresses: readonly string[]): string[] {
  const leads = (address: string) => isIPv6(address) === isIPv6(addresses[0] ?? '');
  const first = addresses.filter(leads);
  const second = addresses.filter((address) => !leads(address));
  const longer = Math.max(first.length, second.length);
  return Array.from({ length: longer }, (_, i) => [...first.slice(i, i + 1), ...second.slice(i, i + 1)]).flat();
}
