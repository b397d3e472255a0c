import { beforeEach, describe, expect, test } from 'vitest';
import { bytesOf, textOf } from 'wsproxy-test-support/engine/bytes';
import { settled } from 'wsproxy-test-support/engine/settled';
import { join } from '../../src/bytes.js';
import { decodeNumber, encodeBeginning } from '../../src/push/beginning.js';
import {
  type PushChannel,
  type PushPosition,
  PushReceiver,
  type ReceiveOptions,
} from '../../src/push/push-receiver.js';
import { recordHead } from '../../src/push/records.js';

const EPOCH = '0123456789abcdef';

/** A channel of a sender, and what it is told of as finished. */
class Channel implements PushChannel {
  readonly answers: (number | undefined)[] = [];
  isClosed = false;
  /** An answer is not taken before this is called. */
  take: (() => void) | undefined;
  isSlow = false;
  readonly #said: Uint8Array[] = [];
  #loss: Error | undefined;
  #wake = (): void => {};

  readonly pieces: AsyncIterable<Uint8Array> = this.#read();

  async *#read(): AsyncGenerator<Uint8Array> {
    for (;;) {
      yield* this.#said.splice(0);
      if (this.#loss !== undefined) throw this.#loss;
      if (this.isClosed) return;
      if (this.#said.length === 0) await new Promise<void>((resolve) => (this.#wake = resolve));
    }
  }

  async answer(bytes: Uint8Array): Promise<void> {
    this.answers.push(decodeNumber(bytes));
    if (this.isSlow) await new Promise<void>((resolve) => (this.take = resolve));
  }

  close(): void {
    this.isClosed = true;
    this.#wake();
  }

  lose(): void {
    this.#loss = new Error('session lost');
    this.#wake();
  }

  begin(number: number, epoch = EPOCH): this {
    return this.sayRecords(encodeBeginning({ epoch, number }));
  }

  say(...messages: string[]): this {
    return this.sayRecords(...messages.map(bytesOf));
  }

  sayRecords(...records: Uint8Array[]): this {
    return this.sayBytes(join(records.flatMap((one) => [recordHead(one.length), one])));
  }

  sayBytes(bytes: Uint8Array): this {
    this.#said.push(bytes);
    this.#wake();
    return this;
  }
}

/** What takes one stream: what its handler was given, and how that goes. */
class Receiving {
  readonly handled: string[] = [];
  readonly positions: PushPosition[] = [];
  readonly errors: unknown[] = [];
  isRegistered = true;
  handler: (text: string) => void | Promise<void> = () => {};
  readonly receiver: PushReceiver;
  #onChannel: (channel: PushChannel) => void = () => {};

  constructor(options: ReceiveOptions = {}) {
    this.receiver = new PushReceiver({
      handler: (message, position) => {
        this.handled.push(textOf(message));
        this.positions.push(position);
        return this.handler(textOf(message));
      },
      register: (onChannel) => {
        this.#onChannel = onChannel;
        return () => {
          this.isRegistered = false;
        };
      },
      onError: (error) => this.errors.push(error),
      ...options,
    });
  }

  call(): Channel {
    const channel = new Channel();
    this.#onChannel(channel);
    return channel;
  }
}

let receiving: Receiving;

beforeEach(() => {
  receiving = new Receiving();
});

test('messages are handled in their order, with their numbers, and what is finished is told once in a turn', async () => {
  const channel = receiving.call().begin(5).say('a', 'b').say('c');
  await settled();
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

test('a channel that takes nothing is told the last number alone, once it takes more', async () => {
  const channel = receiving.call().begin(1);
  channel.isSlow = true;
  channel.say('a');
  await settled();
  channel.say('b').say('c');
  await settled();
  expect([receiving.handled, channel.answers]).toEqual([['a', 'b', 'c'], [1]]);
  channel.take?.();
  await settled();
  expect(channel.answers).toEqual([1, 3]);
});

test('the next one waits until the handler has finished', async () => {
  const finish: (() => void)[] = [];
  receiving.handler = () => new Promise((resolve) => finish.push(resolve));
  const channel = receiving.call().begin(1).say('a', 'b');
  await settled();
  expect([receiving.handled, channel.answers]).toEqual([['a'], []]);
  finish.shift()?.();
  await settled();
  expect([receiving.handled, channel.answers]).toEqual([['a', 'b'], [1]]);
});

describe('what comes again is recognised, and told of as finished', () => {
  test('by another channel', async () => {
    receiving.call().begin(1).say('a', 'b');
    await settled();
    const next = receiving.call().begin(1).say('a', 'b', 'c');
    await settled();
    expect([receiving.handled, next.answers.at(-1)]).toEqual([['a', 'b', 'c'], 3]);
  });

  test('while the handler has not finished: it finishes, and is not asked again', async () => {
    let finish = (): void => {};
    receiving.handler = () => new Promise((resolve) => (finish = resolve));
    const first = receiving.call().begin(1).say('a', 'b');
    await settled();
    receiving.handler = () => {};
    const second = receiving.call().begin(1).say('a', 'b');
    await settled();
    expect([receiving.handled, first.isClosed]).toEqual([['a'], true]);
    finish();
    await settled();
    expect([receiving.handled, second.answers.at(-1), receiving.errors]).toEqual([['a', 'b'], 2, []]);
  });

  test('after the program was killed, by what it has kept', async () => {
    receiving = new Receiving({ after: { epoch: EPOCH, number: 2 } });
    const channel = receiving.call().begin(1).say('a', 'b');
    await settled();
    expect([receiving.handled, channel.answers.at(-1)]).toEqual([[], 2]);
    channel.say('c');
    await settled();
    expect(receiving.handled).toEqual(['c']);
  });

  test('and nothing is told of as finished that did not come by this channel', async () => {
    receiving = new Receiving({ after: { epoch: EPOCH, number: 9 } });
    const channel = receiving.call().begin(4).say('d');
    await settled();
    expect([receiving.handled, channel.answers]).toEqual([[], [4]]);
  });
});

test('numbers of another epoch are others', async () => {
  receiving = new Receiving({ after: { epoch: EPOCH, number: 9 } });
  receiving.call().begin(1, 'fedcba9876543210').say('a');
  await settled();
  expect(receiving.receiver.position).toEqual({ epoch: 'fedcba9876543210', number: 1 });
});

test('a stream that somebody else has taken meanwhile goes on where it is', async () => {
  receiving.call().begin(1).say('a');
  await settled();
  receiving.call().begin(8).say('h');
  await settled();
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
  await settled();
  expect([receiving.handled, channel.answers, channel.isClosed]).toEqual([['a'], [], true]);
  expect(receiving.errors).toEqual([new Error('no disk')]);
  receiving.handler = () => {};
  receiving.call().begin(1).say('a', 'b');
  await settled();
  expect(receiving.handled).toEqual(['a', 'a', 'b']);
});

test.each([
  ['no beginning', join([recordHead(5), bytesOf('hello')])],
  ['a record that is too long', bytesOf([0xff, 0xff, 0xff, 0xff])],
])('a sender that says %s is left', async (_what, bytes) => {
  const channel = receiving.call().sayBytes(bytes);
  await settled();
  expect([receiving.handled, channel.isClosed, receiving.errors]).toEqual([[], true, [expect.any(RangeError)]]);
});

test('a channel that is lost is no error of the handler', async () => {
  const channel = receiving.call().begin(1).say('a');
  await settled();
  channel.lose();
  await settled();
  expect(receiving.errors).toEqual([]);
});

test('once it is closed nothing is taken', async () => {
  const channel = receiving.call().begin(1);
  await settled();
  receiving.receiver.close();
  expect([receiving.isRegistered, channel.isClosed]).toEqual([false, true]);
});
