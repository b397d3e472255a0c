import { addAbortSignal } from 'node:stream';
import { FAILURES, formatTarget, type Target, TunnelError } from 'wsproxy-engine';
import type { TunnelSocket } from './tunnel-socket.js';

/** Resolves with `socket` when it is connected; rejects with TunnelError, or as `signal` says. */
export function connectSocket(
  socket: TunnelSocket,
  target: Target,
  { signal, timeout }: Omit<ConnectOptions, 'allowHalfOpen'> = {},
): Promise<TunnelSocket> {
  return new Promise((resolve, reject) => {
    if (signal?.aborted) return reject(abortError(signal));
    let timer: NodeJS.Timeout | undefined;
    const fail = (error: Error): void => {
      clearTimeout(timer);
      reject(error);
    };
    socket.once('error', fail).connect(target, () => {
      clearTimeout(timer);
      socket.off('error', fail);
      resolve(socket);
    });
    if (signal !== undefined) addAbortSignal(signal, socket);
    if (timeout !== undefined) {
      const text = `${formatTarget(target)}: ${FAILURES.DIAL_TIMEOUT.text} within ${timeout} ms`;
      timer = setTimeout(() => socket.destroy(new TunnelError('DIAL_TIMEOUT', text)), timeout);
    }
  });
}

export interface ConnectOptions {
  /**
   * Gives up, at any time: the destination sees a reset, the promise or the stream fails with AbortError. As of `net.connect`,
   * it listens for errors as well: one that nobody else listens for ends no program.
   */
  readonly signal?: AbortSignal | undefined;
  /**
   * For the way there, the wait for a tunnel that is down included, ms. Default: none of its own; a tunnel that is down is
   * waited for for 5 s, and a server dials for 10 s.
   */
  readonly timeout?: number | undefined;
  /**
   * As of `net.connect`: whether the own half stays open when the destination has ended its half, until `end` is called.
   * Default: it is ended then.
   */
  readonly allowHalfOpen?: boolean | undefined;
}

/** As Node's own functions reject. */
function abortError(signal: AbortSignal | undefined): Error {
  const error = new Error('The operation was aborted', { cause: signal?.reason });
  return Object.assign(error, { name: 'AbortError', code: 'ABORT_ERR' });
}
