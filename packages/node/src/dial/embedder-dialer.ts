import { Duplex } from 'node:stream';
import { TLSSocket } from 'node:tls';
import { FAILURES, type FailureCode, TunnelError } from 'wsproxy-engine';
import { ignoreErrors } from '../sockets/ignore-errors.js';
import { dialFailure } from '../targets/dial-failure.js';
import type { Asker } from './asker.js';
import type { Dialed, DialTask } from './dial-task.js';
import type { DirectDialer } from './direct-dialer.js';
import { abortSignalOf } from './race/giving-up.js';
import { onAbort } from './race/on-abort.js';

/**
 * Reaches destinations in place of the server: returns a connected socket, one that is about to connect, or any other
 * stream of bytes both ways, which then belongs to the server. Rules and policy judge addresses, so they have a say only
 * where the dialer calls `resolve` or `direct`: anything else that it reaches it answers for.
 *
 * What it throws, or rejects with, is told to the application by its `code`: a failure code such as `DENIED`, or one of
 * the system such as `ECONNREFUSED`; any other error is INTERNAL.
 */
export type EmbedderDialer<U extends Asker = Asker> = (request: EmbedderDialRequest<U>) => Duplex | Promise<Duplex>;

/** A destination that is to be reached. */
export interface EmbedderDialRequest<U extends Asker = Asker> {
  /** The name or the address that the client asks for, in canonical spelling. */
  readonly host: string;
  readonly port: number;
  /** The one who asks for it. */
  readonly user: U;
  /** Aborts when the client gives up, or when `dialTimeout` is over. What comes later is destroyed. */
  readonly signal: AbortSignal;
  /** The addresses of the host that the rules and the policy allow, at least one. Rejects when there is none. */
  resolve(): Promise<readonly string[]>;
  /** Reaches the destination as the server does without a dialer: resolves, checks, connects. */
  direct(): Promise<Duplex>;
}

/** Has a dialer of the embedding program reach a target, and trusts it with nothing but that. Rejects with TunnelError. */
export async function dialByEmbedder(dialer: EmbedderDialer, task: DialTask, direct: DirectDialer): Promise<Dialed> {
  const { target, user } = task;
  const signal = abortSignalOf(task.signal);
  const own = new WeakMap<Duplex, Dialed>();
  const request: EmbedderDialRequest = {
    ...target,
    user,
    signal,
    resolve: () => direct.resolve(task),
    async direct() {
      const dialed = await direct.dial(task);
      own.set(dialed.socket, dialed);
      return dialed.socket;
    },
  };
  const dialing = Promise.resolve(request).then(dialer);
  try {
    const socket = await untilAborted(dialing, signal);
    await untilAborted(untilConnected(socket), signal);
    return own.get(socket) ?? { socket, address: undefined };
  } catch (error) {
    // Anything that it still brings, nobody waits for it.
    dialing.then(destroy, () => {});
    throw signal.aborted ? signal.reason : failureOf(error);
  }
}

function untilAborted<T>(promise: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    const forgetSignal = onAbort(signal, () => reject(signal.reason));
    promise.then(resolve, reject).finally(forgetSignal);
  });
}

/** A socket may still be connecting: the application is told of success only when it is. */
async function untilConnected(socket: Duplex & { readonly connecting?: boolean }): Promise<void> {
  if (!(socket instanceof Duplex)) throw new TypeError('the dialer has returned what is no Duplex');
  // Half-closes pass through as they are.
  socket.allowHalfOpen = true;
  await new Promise<void>((resolve, reject) => {
    // Stays for good: an error before the relay begins shows as `destroyed`.
    socket.on('error', reject);
    socket.once('close', () => reject(new Error('closed before it was connected')));
    if (socket.destroyed) reject(socket.errored ?? new Error('closed before it was connected'));
    else if (socket.connecting === true)
      socket.once(socket instanceof TLSSocket ? 'secureConnect' : 'connect', resolve);
    else resolve();
  });
}

function destroy(socket: unknown): void {
  if (!(socket instanceof Duplex)) return;
  ignoreErrors(socket);
  socket.destroy();
}

function failureOf(error: unknown): TunnelError {
  if (error instanceof TunnelError) return error;
  const cause = error instanceof Error ? error : new Error(String(error));
  const code = 'code' in cause ? String(cause.code) : '';
  if (Object.hasOwn(FAILURES, code)) return new TunnelError(code as FailureCode, cause.message, { cause });
  return dialFailure([cause]);
}
