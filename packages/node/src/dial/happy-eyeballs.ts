import { isIPv6, type Socket } from 'node:net';
import type { Clock } from 'wsproxy-engine';
import { dialFailure } from '../targets/dial-failure.js';
import type { GiveUpSignal } from './race/on-abort.js';
import { type AttemptRoom, race } from './race/race.js';

/**
 * Connects to the address that answers first (RFC 8305 section 5). Families alternate, and the next attempt starts after
 * `attemptDelay` or as soon as one fails. A slow attempt runs on beside the later ones. Node's own `autoSelectFamily` gives
 * each address 250 ms, and so never reaches a far host.
 */
export function connectFirst(addresses: readonly string[], options: ConnectFirstOptions): Promise<Connected> {
  const { connect, attemptDelay, clock, signal, room } = options;
  return race<string, Connected>(
    addresses.length > 1 ? alternateFamilies(addresses) : addresses,
    (address, onWon, onLost) => {
      const socket = connect(address);
      socket.on('error', onLost);
      socket.once('connect', () => {
        socket.off('error', onLost);
        onWon({ socket, address });
      });
      return () => socket.destroy();
    },
    { delay: attemptDelay, clock, signal, room, failureOf: dialFailure },
  );
}

export interface ConnectFirstOptions {
  /** Starts one attempt; the socket emits `connect` or `error` later, never at once. */
  readonly connect: (address: string) => Socket;
  /** Head start of an attempt over the next one, ms. */
  readonly attemptDelay: number;
  readonly clock: Clock;
  /** For sockets beyond the first one. Default: there is always room. */
  readonly room?: AttemptRoom | undefined;
  /** Ends every attempt at once; the promise rejects with its reason. */
  readonly signal: GiveUpSignal;
}

/** A socket, and the address that it is connected to. */
export interface Connected {
  readonly socket: Socket;
  readonly address: string;
}

/** The order of RFC 8305 section 4: the family of the first address leads, then one of each in turn. */
function alternateFamilies(addresses: readonly string[]): string[] {
  const leads = (address: string) => isIPv6(address) === isIPv6(addresses[0] ?? '');
  const first = addresses.filter(leads);
  const second = addresses.filter((address) => !leads(address));
  const longer = Math.max(first.length, second.length);
  return Array.from({ length: longer }, (_, i) => [...first.slice(i, i + 1), ...second.slice(i, i + 1)]).flat();
}
