import type { Socket } from 'node:dgram';

/** For `createSocket`: peers are addresses here, so that each call reaches the system before it returns. */
export function asItIs(
  address: string,
  family: unknown,
  callback: (error: null, address: string, family: number) => void,
): void {
  callback(null, address, Number(family));
}

/**
 * Bursts of a fast path come in while others have their turn. The system gives what it has: Linux no more than
 * net.core.rmem_max; others refuse what is too much for them.
 */
export function widenReceiveBuffer(socket: Socket): void {
  for (let size = RECEIVE_BUFFER; size >= LEAST_RECEIVE_BUFFER; size /= 2) {
    try {
      return socket.setRecvBufferSize(size);
    } catch {
      // Half of it, then.
    }
  }
}

const RECEIVE_BUFFER = 4_194_304;
const LEAST_RECEIVE_BUFFER = 65_536;
