import { expect, test } from 'vitest';
import { decodeNumber, encodeBeginning, recordHead } from 'wsproxy-engine/push';
import { bytesOf, textOf } from 'wsproxy-test-support/engine/bytes';
import type { OpenConnection } from '../src/connection.js';
import { type PushHandler, receivePushes } from '../src/receive-pushes.js';
import type { OnIncoming } from '../src/services.js';

/** A connection of a sender, and what it is told of as finished. */
class Connection implements OpenConnection {
  readonly answers: (number | undefined)[] = [];
  isClosed = false;
  #controller: ReadableStreamDefaultController<Uint8Array<ArrayBuffer>> | undefined;
  readonly readable = new ReadableStream<Uint8Array<ArrayBuffer>>({
    start: (controller) => {
      this.#controller = controller;
    },
  });
  readonly writable = new WritableStream<BufferSource>({
    write: (bytes) => void this.answers.push(decodeNumber(bytes as Uint8Array)),
  });
  readonly closed = Promise.resolve();

  close(): void {
    this.isClosed = true;
  }

  say(...records: (Uint8Array | string)[]): this {
    for (const record of records.map(bytesOf)) {
      this.#controller?.enqueue(new Uint8Array(recordHead(record.length)));
      this.#controller?.enqueue(new Uint8Array(record));
    }
    return this;
  }

  lose(): void {
    this.#controller?.error(new Error('session lost'));
  }
}

/** Calls a page that takes a stream with this handler, after message 5, and sends those from 5 on. */
function sendTo(handler: PushHandler, messages: string[]) {
  const registered = new Map<string, OnIncoming>();
  const errors: unknown[] = [];
  const client = {
    onIncoming: (service: string, onConnection: OnIncoming) => {
      registered.set(service, onConnection);
      return () => void registered.delete(service);
    },
  };
  const epoch = '0123456789abcdef';
  const after = { epoch, number: 5 };
  const receiver = receivePushes(client, 'news', handler, { after, onError: (error) => errors.push(error) });
  const connection = new Connection().say(encodeBeginning({ epoch, number: 5 }), ...messages);
  void registered.get('push/news')?.(connection);
  return { registered, errors, receiver, connection };
}

test('a page handles messages in their order with their numbers, and no message that it knows', async () => {
  const handled: unknown[] = [];
  const { connection, receiver } = sendTo(
    async (message, { number }) => void handled.push([textOf(message), number]),
    ['a', 'b', 'c'],
  );
  await expect.poll(() => connection.answers.at(-1)).toBe(7);
  expect(handled).toEqual([
    ['b', 6],
    ['c', 7],
  ]);
  expect(receiver.position?.number).toBe(7);
});

test('when the handler fails, the connection ends, the page is told, and nothing is finished', async () => {
  const fail = () => Promise.reject(new Error('storage is full'));
  const { connection, errors } = sendTo(fail, ['a', 'b', 'c']);
  await expect.poll(() => connection.isClosed).toBe(true);
  expect([connection.answers.filter((number) => number !== 5), errors]).toEqual([[], [new Error('storage is full')]]);
});

test('a connection that is lost is no error', async () => {
  const { connection, errors } = sendTo(() => {}, []);
  connection.lose();
  await expect.poll(() => connection.isClosed).toBe(true);
  expect(errors).toEqual([]);
});

test('once it is closed nothing is taken', () => {
  const { connection, receiver, registered } = sendTo(() => {}, []);
  receiver.close();
  expect([registered.size, connection.isClosed]).toEqual([0, true]);
});
