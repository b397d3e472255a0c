import { type PushChannel, type PushPosition, PushReceiver, type ReceiveOptions, serviceOf } from 'wsproxy-engine/push';
import type { OpenConnection } from './connection.js';
import type { OnIncoming } from './services.js';

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
    handler,
    register: (onChannel) => client.onIncoming(serviceOf(stream), (connection) => onChannel(channelOf(connection))),
  });
}

function channelOf(connection: OpenConnection): PushChannel {
  const writer = connection.writable.getWriter();
  return {
    pieces: piecesOf(connection.readable.getReader()),
    answer: (bytes) => writer.write(bytes as Uint8Array<ArrayBuffer>).catch(() => {}),
    close: () => connection.close(),
  };
}

/** Not every browser iterates over streams. */
async function* piecesOf(reader: ReadableStreamDefaultReader<Uint8Array>): AsyncGenerator<Uint8Array> {
  for (;;) {
    const { value, done } = await reader.read();
    if (done) return;
    yield value;
  }
}

/** Does with a message what it is for. `position` tells it apart from all others of its stream. */
export type PushHandler = (message: Uint8Array, position: PushPosition) => void | Promise<void>;

/** What is asked of a client. */
export interface PushClient {
  onIncoming(service: string, onConnection: OnIncoming): () => void;
}
