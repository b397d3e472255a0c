import { Duplex } from 'node:stream';
import { setImmediate as turn } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { decodeNumber, encodeBeginning, recordHead } from 'wsproxy-engine/push';
import type { OnIncoming } from '../../src/calls/services.js';
import { type PushHandler, receivePushes } from '../../src/push/receive-pushes.js';
import type { TunnelSocket } from '../../src/sockets/tunnel-socket.js';

/** What a client says of the messages that were sent to it by one channel. */
class Channel extends Duplex {
  readonly answers: (number | undefined)[] = [];

  override _read(): void {}

  override _write(chunk: Buffer, _encoding: string, done: () => void): void {
    for (let at = 0; at < chunk.length; at += 8) this.answers.push(decodeNumber(chunk.subarray(at, at + 8)));
    done();
  }

  say(...records: (Uint8Array | string)[]): this {
    const all = records.map((one) => Buffer.from(one as string));
    this.push(Buffer.concat(all.flatMap((one) => [recordHead(one.length), one])));
    return this;
  }
}

/** Calls a client that takes a stream with this handler, and sends three messages. */
async function sendTo(handler: PushHandler) {
  const registered = new Map<string, OnIncoming>();
  const errors: unknown[] = [];
  const client = {
    onIncoming: (service: string, onConnection: OnIncoming) => {
      registered.set(service, onConnection);
      return () => void registered.delete(service);
    },
  };
  const receiver = receivePushes(client, 'news', handler, { onError: (error) => errors.push(error) });
  const channel = new Channel().say(encodeBeginning({ epoch: '0123456789abcdef', number: 5 }), 'a', 'b').say('c');
  registered.get('push/news')?.(channel as unknown as TunnelSocket);
  await settle();
  return { registered, errors, receiver, channel };
}

async function settle(): Promise<void> {
  for (let n = 0; n < 5; n++) await turn();
}

test('messages are handled as Buffers in their order, with their numbers, and the last one is told of as finished', async () => {
  const handled: unknown[] = [];
  const { channel, receiver } = await sendTo((message, { number }) => void handled.push([message, number]));
  expect(handled).toEqual([
    [Buffer.from('a'), 5],
    [Buffer.from('b'), 6],
    [Buffer.from('c'), 7],
  ]);
  expect([channel.answers.at(-1), channel.answers.length <= 2, receiver.position?.number]).toEqual([7, true, 7]);
});

test('when the handler fails, the channel ends, and the program is told', async () => {
  const { channel, errors } = await sendTo(() => Promise.reject(new Error('no disk')));
  expect([channel.answers, channel.destroyed, errors]).toEqual([[], true, [new Error('no disk')]]);
});

test('a channel that is lost is no error of the handler, and takes no answer', async () => {
  let finish = (): void => {};
  const { channel, errors } = await sendTo(() => new Promise((resolve) => (finish = resolve)));
  channel.destroy(new Error('session lost'));
  await settle();
  finish();
  await settle();
  expect([channel.answers, errors]).toEqual([[], []]);
});

test('once it is closed nothing is taken', async () => {
  const { channel, receiver, registered } = await sendTo(() => {});
  receiver.close();
  expect([registered.size, channel.destroyed]).toEqual([0, true]);
});
