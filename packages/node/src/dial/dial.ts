import { parseHost, parsePort, systemClock, TunnelError } from 'wsproxy-engine';
import { ignoreErrors } from '../sockets/ignore-errors.js';
import type { RelaySocket } from '../sockets/reset-socket.js';
import type { Asker } from './asker.js';
import type { Dialed, DialTask } from './dial-task.js';
import { DirectDialer, type DirectDialerOptions } from './direct-dialer.js';
import { dialByEmbedder, type EmbedderDialer } from './embedder-dialer.js';
import { GivingUp } from './race/giving-up.js';
import { onAbort } from './race/on-abort.js';

/** The way to targets from this process. */
export function createDial(options: DialOptions): DialTarget {
  const { clock = systemClock, dialTimeout = 10_000, dialer, services } = options;
  const direct = new DirectDialer(options);
  return async (task) => {
    const { port } = task.target;
    const host = parseHost(task.target.host);
    if (host === undefined || parsePort(String(port)) === undefined) throw new TunnelError('BAD_TARGET');
    const service = services?.get(host);
    if (service !== undefined) {
      const socket = service(task.user);
      ignoreErrors(socket);
      return { socket, address: undefined };
    }

    const over = new GivingUp();
    const forgetSignal = onAbort(task.signal, () => over.abort(task.signal.reason));
    const onTimeout = () => over.abort(new TunnelError('DIAL_TIMEOUT', `no connection in ${dialTimeout} ms`));
    const timer = clock.setTimer(onTimeout, dialTimeout);
    const canonical = { ...task, target: { host, port }, signal: over };
    try {
      return await (dialer === undefined ? direct.dial(canonical) : dialByEmbedder(dialer, canonical, direct));
    } catch (error) {
      if (error instanceof TunnelError) throw error;
      throw new TunnelError('INTERNAL', error instanceof Error ? error.message : String(error), { cause: error });
    } finally {
      timer.cancel();
      forgetSignal();
    }
  };
}

/**
 * Reaches a target. Rejects with a TunnelError, whose message is for the log. After it has resolved, the socket is the
 * caller's, and the signal of the task no longer counts.
 */
export type DialTarget = (task: DialTask) => Promise<Dialed>;

export interface DialOptions extends DirectDialerOptions {
  /** For the whole of it, lookup and every attempt, ms; default 10 s. */
  readonly dialTimeout?: number;
  /** Default: this process itself, directly. */
  readonly dialer?: EmbedderDialer;
  /** What is served here in place of a destination, by canonical host: nothing is dialled for it. Default: none. */
  readonly services?: ReadonlyMap<string, (user: Asker) => RelaySocket>;
}
