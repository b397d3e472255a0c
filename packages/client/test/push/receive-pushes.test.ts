import { Duplex } from 'node:stream';
import { setImmediate as turn } from 'node:timers/promises';
import { beforeEach, describe, expect, test } from 'vitest';
import { decodeNumber, encodeBeginning, recordHead } from 'wsproxy-node/push';
import type { OnIncoming } from '../../src/calls/services.js';
import {
  type PushPosition,
  type PushReceiver,
  type ReceiveOptions,
  receivePushes,
} from '../../src/push/receive-pushes.js';
import type { TunnelSocket } from '../../src/sockets/tunnel-socket.js';

const EPOCH = '0123456789abcdef';

/** What a client says of the messages that were sent to it by one channel. */
class Channel extends Duplex {
  readonly answers: (number | undefined)[] = [];

  override _read(): void {}

  override _write(chunk: Buffer, _encoding: string, done: () => void): void {
    for (let at = 0; at < chunk.length; at += 8) this.answers.push(decodeNumber(chunk.subarray(at, at + 8)));
    done();
  }

  begin(number: number, epoch = EPOCH): this {
    return this.say(encodeBeginning({ epoch, number }));
  }

  say(...messages: (Buffer | string)[]): this {
    const all = messages.map((one) => Buffer.from(one as string));
    this.push(Buffer.concat(all.flatMap((one) => [recordHead(one.length), one])));
    return this;
  }
}

/** A client that takes one stream: what its handler was given, and how that goes. */
class Receiving {
  readonly registered = new Map<string, OnIncoming>();
  readonly handled: string[] = [];
  readonly positions: PushPosition[] = [];
  readonly errors: unknown[] = [];
  handler: (text: string) => void | Promise<void> = () => {};
  readonly receiver: PushReceiver;

  constructor(options: ReceiveOptions = {}) {
    const client = {
      onIncoming: (service: string, onConnection: OnIncoming) => {
        this.registered.set(service, onConnection);
        return () => void this.registered.delete(service);
      },
    };
    this.receiver = receivePushes(
      client,
      'news',
      (message, position) => {
        this.handled.push(String(message));
        this.positions.push(position);
        return this.handler(String(message));
      },
      { onError: (error) => this.errors.push(error), ...options },
    );
  }

  call(): Channel {
    const channel = new Channel();
    this.registered.get('push/news')?.(channel as unknown as TunnelSocket);
    return channel;
  }
}

let receiving: Receiving;

beforeEach(() => {
  receiving = new Receiving();
});

async function settle(): Promise<void> {
  for (let n = 0; n < 5; n++) await turn();
}

test('messages are handled in their order, with their numbers, and what is finished is told once in a turn', async () => {
  const channel = receiving.call().begin(5).say('a', 'b').say('c');
  await settle();
  expect([receiving.handled, receiving.positions.map(({ number }) => number)]).toEqual([
    ['a', 'b', 'c'],
    [5, 6, 7],
  ]);
  expect([channel.answers.at(-1), channel.answers.length <= 2, receiving.receiver.position]).toEqual([
    7,
    true,
    { epoch: EPOCH, number: 7 },
  ]);
});

test('the next one waits until the handler has finished', async () => {
  const finish: (() => void)[] = [];
  receiving.handler = () => new Promise((resolve) => finish.push(resolve));
  const channel = receiving.call().begin(1).say('a', 'b');
  await settle();
  expect([receiving.handled, channel.answers]).toEqual([['a'], []]);
  finish.shift()?.();
  await settle();
  expect([receiving.handled, channel.answers]).toEqual([['a', 'b'], [1]]);
});

describe('what comes again is recognised, and told of as finished', () => {
  test('by another channel', async () => {
    receiving.call().begin(1).say('a', 'b');
    await settle();
    const next = receiving.call().begin(1).say('a', 'b', 'c');
    await settle();
    expect([receiving.handled, next.answers.at(-1)]).toEqual([['a', 'b', 'c'], 3]);
  });

  test('while the handler has not finished: it finishes, and is not asked again', async () => {
    let finish = (): void => {};
    receiving.handler = () => new Promise((resolve) => (finish = resolve));
    const first = receiving.call().begin(1).say('a', 'b');
    await settle();
    receiving.handler = () => {};
    const second = receiving.call().begin(1).say('a', 'b');
    await settle();
    expect([receiving.handled, first.destroyed]).toEqual([['a'], true]);
    finish();
    await settle();
    expect([receiving.handled, second.answers.at(-1), receiving.errors]).toEqual([['a', 'b'], 2, []]);
  });

  test('after the program was killed, by what it has kept', async () => {
    receiving = new Receiving({ after: { epoch: EPOCH, number: 2 } });
    const channel = receiving.call().begin(1).say('a', 'b');
    await settle();
    expect([receiving.handled, channel.answers.at(-1)]).toEqual([[], 2]);
    channel.say('c');
    await settle();
    expect(receiving.handled).toEqual(['c']);
  });

  test('and nothing is told of as finished that did not come by this channel', async () => {
    receiving = new Receiving({ after: { epoch: EPOCH, number: 9 } });
    const channel = receiving.call().begin(4).say('d');
    await settle();
    expect([receiving.handled, channel.answers]).toEqual([[], [4]]);
  });
});

test('numbers of another epoch are others', async () => {
  receiving = new Receiving({ after: { epoch: EPOCH, number: 9 } });
  receiving.call().begin(1, 'fedcba9876543210').say('a');
  await settle();
  expect(receiving.receiver.position).toEqual({ epoch: 'fedcba9876543210', number: 1 });
});

test('a stream that somebody else has taken meanwhile goes on where it is', async () => {
  receiving.call().begin(1).say('a');
  await settle();
  receiving.call().begin(8).say('h');
  await settle();
  expect(receiving.positions.map(({ number }) => number)).toEqual([1, 8]);
});

test.each([
  [
    'throws',
    () => {
      throw new Error('no disk');
    },
  ],
  ['is rejected', async () => Promise.reject(new Error('no disk'))],
])('when the handler %s, the message is not finished, the program is told, and it comes again', async (_what, fail) => {
  receiving.handler = fail;
  const channel = receiving.call().begin(1).say('a', 'b');
  await settle();
  expect([receiving.handled, channel.answers, channel.destroyed]).toEqual([['a'], [], true]);
  expect(receiving.errors).toEqual([new Error('no disk')]);
  receiving.handler = () => {};
  receiving.call().begin(1).say('a', 'b');
  await settle();
  expect(receiving.handled).toEqual(['a', 'a', 'b']);
});

test.each([
  ['no beginning', Buffer.from('hello')],
  ['a record that is too long', Buffer.of(0xff, 0xff, 0xff, 0xff)],
])('a sender that says %s is left', async (_what, bytes) => {
  const channel = receiving.call();
  channel.push(bytes.length === 4 ? bytes : Buffer.concat([recordHead(bytes.length), bytes]));
  await settle();
  expect([receiving.handled, channel.destroyed, receiving.errors]).toEqual([[], true, [expect.any(RangeError)]]);
});

test('a channel that is lost is no error of the handler', async () => {
  const channel = receiving.call().begin(1).say('a');
  await settle();
  channel.destroy(new Error('session lost'));
  await settle();
  expect(receiving.errors).toEqual([]);
});

test('once it is closed nothing is taken', async () => {
  const channel = receiving.call().begin(1);
  await settle();
  receiving.receiver.close();
  expect([receiving.registered.size, channel.destroyed]).toEqual([0, true]);
});
