import { addAbortSignal } from 'node:stream';
import type { Tunnel } from 'wsproxy-engine';
import { type Channel, FAILURES, type FailureCode, formatTarget, type Target, TunnelError } from 'wsproxy-engine';
import { TunnelSocket } from './tunnel-socket.js';

/** Opens a channel, and resolves when its target was dialled; rejects with TunnelError, or as `signal` says. */
export function connectChannel(
  tunnel: Tunnel,
  target: Target,
  { signal, timeout, allowHalfOpen }: ConnectOptions = {},
  keepAwake: KeepAwakeFor = () => {},
  whyDown: WhyDown = () => undefined,
): Promise<TunnelSocket> {
  return new Promise((resolve, reject) => {
    if (signal?.aborted) return reject(abortError(signal));
    let timer: NodeJS.Timeout | undefined;
    const settle = (): void => {
      clearTimeout(timer);
      signal?.removeEventListener('abort', onAbort);
    };
    const giveUp = (error: Error): void => {
      settle();
      channel.reset('CANCELLED');
      reject(error);
    };
    const onAbort = (): void => giveUp(abortError(signal));
    const channel = tunnel.open(target, {
      onOpen() {
        settle();
        const socket = new TunnelSocket(channel, {
          allowHalfOpen,
          keepAwake: (isReferenced) => keepAwake(channel, isReferenced),
        });
        if (signal !== undefined) addAbortSignal(signal, socket);
        resolve(socket);
      },
      onFail(code) {
        settle();
        const cause = code === 'TUNNEL_DOWN' || code === 'CANCELLED' ? whyDown() : undefined;
        reject(failure(code, target, cause && `: ${cause.message}`, cause));
      },
    });
    signal?.addEventListener('abort', onAbort, { once: true });
    if (timeout !== undefined) {
      timer = setTimeout(() => giveUp(failure('DIAL_TIMEOUT', target, ` within ${timeout} ms`)), timeout);
    }
  });
}

export interface ConnectOptions {
  /** Gives up, at any time: the destination sees a reset, the promise or the stream fails with AbortError. */
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

/** Says of a channel whether the process is to live for it. */
export type KeepAwakeFor = (channel: Channel, isReferenced: boolean) => void;

/** Why there is no tunnel, if that is known. */
export type WhyDown = () => Error | undefined;

function failure(code: FailureCode, target: Target, more = '', cause?: Error): TunnelError {
  return new TunnelError(code, `${formatTarget(target)}: ${FAILURES[code].text}${more}`, cause && { cause });
}

/** As Node's own functions reject. */
function abortError(signal: AbortSignal | undefined): Error {
  const error = new Error('The operation was aborted', { cause: signal?.reason });
  return Object.assign(error, { name: 'AbortError', code: 'ABORT_ERR' });
}
