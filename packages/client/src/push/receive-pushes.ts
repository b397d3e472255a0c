import { type PushChannel, type PushPosition, PushReceiver, type ReceiveOptions, serviceOf } from 'wsproxy-engine/push';
import type { IncomingOptions, OnIncoming } from '../calls/services.js';
import type { TunnelSocket } from '../sockets/tunnel-socket.js';

/**
 * Takes the messages of a stream, which the program at the server sends by `createPushes`: one after the other, each once, in order.
 * A message is finished when `handler` has returned, or what it has returned is fulfilled; the next one waits for that. When it fails,
 * the message comes again after a pause.
 */
export function receivePushes(
  client: PushClient,
  stream: string,
  handler: PushHandler,
  options: ReceiveOptions = {},
): PushReceiver {
  return new PushReceiver({
    ...options,
    handler: (message, position) => handler(bufferOf(message), position),
    register: (onChannel) =>
      client.onIncoming(serviceOf(stream), (socket) => onChannel(channelOf(socket)), { allowHalfOpen: true }),
  });
}

function channelOf(socket: TunnelSocket): PushChannel {
  socket.on('error', () => {});
  return {
    pieces: socket,
    answer: (bytes) =>
      new Promise((resolve) => {
        if (socket.writable) socket.write(bytes, () => resolve());
        else resolve();
      }),
    close: () => void socket.destroy(),
  };
}

function bufferOf({ buffer, byteOffset, byteLength }: Uint8Array): Buffer {
  return Buffer.from(buffer, byteOffset, byteLength);
}

/** Does with a message what it is for. `position` tells it apart from all others of its stream. */
export type PushHandler = (message: Buffer, position: PushPosition) => void | Promise<void>;

/** What is asked of a client. */
export interface PushClient {
  onIncoming(service: string, onConnection: OnIncoming, options: IncomingOptions): () => void;
}
