import { isIPv6, type Socket } from 'node:net';
import { type Clock, dialFailure, type Timer } from 'wsproxy-protocol';

/** A connected socket and the address it was dialled at. */
export interface Dialed {
  readonly socket: Socket;
  readonly address: string;
}

export interface ConnectFirstOptions {
  /** Starts one attempt; the socket emits `connect` or `error` later, never at once. */
  readonly connect: (address: string) => Socket;
  /** Head start of an attempt over the next one, ms. */
  readonly attemptDelay: number;
  readonly clock: Clock;
  /** Ends every attempt at once; the promise rejects with its reason. */
  readonly signal: AbortSignal;
}

/**
 * Connects to whichever address answers first (RFC 8305 section 5): families alternate, the next attempt starts after
 * `attemptDelay` or as soon as one fails, and a slow attempt runs on beside the later ones, unlike Node's own
 * `autoSelectFamily`, which gives each address 250 ms and so never reaches a far host.
 */
export function connectFirst(addresses: readonly string[], options: ConnectFirstOptions): Promise<Dialed> {
  const { connect, attemptDelay, clock, signal } = options;
  return new Promise((resolve, reject) => {
    const queue = alternateFamilies(addresses);
    const attempts = new Set<Socket>();
    const errors: Error[] = [];
    let timer: Timer | undefined;

    const finish = () => {
      timer?.cancel();
      signal.removeEventListener('abort', onAbort);
      for (const socket of attempts) socket.destroy();
      attempts.clear();
    };
    const onAbort = () => {
      finish();
      reject(signal.reason);
    };
    const attemptNext = () => {
      timer?.cancel();
      const address = queue.shift();
      if (address !== undefined) {
        attempt(address);
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
