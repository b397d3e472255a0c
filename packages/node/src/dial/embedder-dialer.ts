import { Duplex } from 'node:stream';
import { TLSSocket } from 'node:tls';
import { FAILURES, type FailureCode, TunnelError } from 'wsproxy-engine';
import { dialFailure } from '../targets/dial-failure.js';
import type { Dialer, DialRequest } from './dialer.js';
import type { DirectDialer, Errand, Reached } from './direct-dialer.js';

/** Has a dialer of the embedding program reach a destination, and trusts it with nothing but that. Rejects with TunnelError. */
export async function dialOwn(dialer: Dialer, errand: Errand, direct: DirectDialer): Promise<Reached> {
  const { target, user, signal } = errand;
  const addresses = new WeakMap<Duplex, string>();
  const request: DialRequest = {
    ...target,
    user,
    signal,
    resolve: () => direct.resolve(errand),
    async direct() {
      const { socket, address } = await direct.connect(await direct.resolve(errand), errand);
      addresses.set(socket, address);
      return socket;
    },
  };
  const dialled = Promise.resolve(request).then(dialer);
  try {
    const socket = await untilAborted(dialled, signal);
    await untilAborted(untilConnected(socket), signal);
    return { socket, address: addresses.get(socket) };
  } catch (error) {
    // Whatever it still brings, nobody waits for it.
    dialled.then(destroy, () => {});
    throw signal.aborted ? signal.reason : failureOf(error);
  }
}

function untilAborted<T>(promise: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    const onAbort = (): void => reject(signal.reason);
    signal.addEventListener('abort', onAbort, { once: true });
    if (signal.aborted) onAbort();
    promise.then(resolve, reject).finally(() => signal.removeEventListener('abort', onAbort));
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
  socket.on('error', () => {});
  socket.destroy();
}

function failureOf(error: unknown): TunnelError {
  if (error instanceof TunnelError) return error;
  const cause = error instanceof Error ? error : new Error(String(error));
  const code = 'code' in cause ? String(cause.code) : '';
  if (Object.hasOwn(FAILURES, code)) return new TunnelError(code as FailureCode, cause.message, { cause });
  return dialFailure([cause]);
}
