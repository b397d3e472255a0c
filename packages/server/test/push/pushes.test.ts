import { Duplex } from 'node:stream';
import { setImmediate as turn } from 'node:timers/promises';
import { beforeEach, describe, expect, test } from 'vitest';
import { decodeBeginning, encodeNumber, RecordReader } from 'wsproxy-engine/push';
import { FakeClock } from 'wsproxy-engine/testing';
import type { OpenOptions } from '../../src/calls/call-desk.js';
import type { ServerObserver, SessionEvent } from '../../src/observe/observer.js';
import type { KeptMessage, KeptStream, MessageStore } from '../../src/push/message-store.js';
import { Pushes, type PushOptions } from '../../src/push/pushes.js';
import type { SessionFollower } from '../../src/session-news.js';

/** What a client has been sent by one channel. */
class Channel extends Duplex {
  readonly session: string;
  readonly texts: string[] = [];
  epoch = '';
  first = 0;
  readonly #reader = new RecordReader();

  constructor(session = 'one') {
    super();
    this.session = session;
  }

  override _read(): void {}

  override _write(chunk: Buffer, _encoding: string, done: () => void): void {
    for (const record of this.#reader.read(chunk)) {
      const beginning = this.first === 0 ? decodeBeginning(record) : undefined;
      if (beginning === undefined) this.texts.push(String(record));
      else {
        this.epoch = beginning.epoch;
        this.first = beginning.number;
      }
    }
    done();
  }

  finish(number: number): void {
    this.push(encodeNumber(number));
  }
}

/** A server of which every call waits for the test to answer it. */
class Calls {
  readonly clock = new FakeClock();
  readonly made: { service: string; answer(channel: Channel | string): void; signal: AbortSignal | undefined }[] = [];
  readonly followers: SessionFollower[] = [];
  #observers: ServerObserver[] = [];

  open(user: string, service: string, { signal }: OpenOptions): Promise<Duplex> {
    return new Promise((resolve, reject) => {
      const answer = (channel: Channel | string): void =>
        typeof channel === 'string' ? reject(Object.assign(new Error(channel), { code: channel })) : resolve(channel);
      this.made.push({ service: `${user} ${service}`, answer, signal });
      signal?.addEventListener('abort', () => reject(signal.reason));
    });
  }

  followSessions(follower: SessionFollower): void {
    this.followers.push(follower);
  }

  observe(observer: ServerObserver): void {
    this.#observers.push(observer);
  }

  session(event: SessionEvent, id = 'one', user = 'alice'): void {
    for (const observer of this.#observers) observer.onSession?.(event, { user, id });
  }

  /** Answers the last call. */
  async answer(channel: Channel | string): Promise<void> {
    this.made.at(-1)?.answer(channel);
    await turn();
  }
}

let calls: Calls;
let pushes: Pushes;

function begin(options: PushOptions = {}): void {
  calls = new Calls();
  pushes = new Pushes(calls, options, calls.clock);
}

beforeEach(() => begin());

const send = (text: string): Promise<number> => pushes.send('alice', 'news', text);

describe('messages', () => {
  test('are numbered, and go in their order when a client is there, which is called for them', async () => {
    expect([await send('a'), await send('b')]).toEqual([1, 2]);
    expect(calls.made.map(({ service }) => service)).toEqual(['alice push/news']);
    const channel = new Channel();
    await calls.answer(channel);
    await send('c');
    await turn();
    expect([channel.first, channel.texts, channel.epoch.length]).toEqual([1, ['a', 'b', 'c'], 16]);
  });

  test('that are finished are forgotten; the others go again by the next channel, which says with which it begins', async () => {
    for (const text of ['a', 'b', 'c', 'd']) await send(text);
    const first = new Channel();
    await calls.answer(first);
    first.finish(2);
    await turn();
    expect(pushes.waiting('alice', 'news')).toBe(2);
    first.destroy();
    await turn();
    calls.clock.advance(1_000);
    const second = new Channel('two');
    await calls.answer(second);
    expect([second.first, second.texts, second.epoch]).toEqual([3, ['c', 'd'], first.epoch]);
    second.finish(4);
    await turn();
    expect(pushes.waiting('alice', 'news')).toBe(0);
  });

  test('an answer may come in pieces, and an old one says nothing new', async () => {
    for (const text of ['a', 'b', 'c']) await send(text);
    const channel = new Channel();
    await calls.answer(channel);
    const answer = Buffer.concat([encodeNumber(1), encodeNumber(2), encodeNumber(1)]);
    for (const byte of answer.subarray(0, 20)) channel.push(Buffer.of(byte));
    await turn();
    expect(pushes.waiting('alice', 'news')).toBe(1);
    channel.push(answer.subarray(20));
    await turn();
    expect([pushes.waiting('alice', 'news'), channel.destroyed]).toEqual([1, false]);
  });

  test('a client that has finished what it was not sent is not believed', async () => {
    await send('a');
    const channel = new Channel();
    await calls.answer(channel);
    channel.finish(2);
    await turn();
    expect([channel.destroyed, pushes.waiting('alice', 'news')]).toEqual([true, 1]);
  });

  test('of each user and each stream have numbers and a channel of their own', async () => {
    expect([
      await pushes.send('alice', 'news', 'a'),
      await pushes.send('alice', 'mail', 'b'),
      await pushes.send('bob', 'news', 'c'),
    ]).toEqual([1, 1, 1]);
    expect(calls.made.map(({ service }) => service)).toEqual(['alice push/news', 'alice push/mail', 'bob push/news']);
  });

  test('are refused when too much waits, and taken again when there is room', async () => {
    begin({ maxWaiting: 2 * (5 + 64) });
    await send('12345');
    await send('12345');
    await expect(send('')).rejects.toMatchObject({ code: 'STREAM_FULL' });
    const channel = new Channel();
    await calls.answer(channel);
    channel.finish(1);
    await turn();
    expect(await send('12345')).toBe(3);
  });

  test('are refused as well when too much waits to be kept', async () => {
    let keep = (): void => {};
    const kept = new Promise<void>((resolve) => {
      keep = resolve;
    });
    begin({ maxWaiting: 2 * (5 + 64), store: { load: () => [], keep: () => kept, finish: () => {} } });
    const sent = [send('12345'), send('12345'), send('12345')];
    await expect(sent[2]).rejects.toMatchObject({ code: 'STREAM_FULL' });
    keep();
    expect(await Promise.all(sent.slice(0, 2))).toEqual([1, 2]);
  });

  test('are sent no more once it is closed', async () => {
    await send('a');
    const channel = new Channel();
    await calls.answer(channel);
    pushes.close();
    await expect(send('b')).rejects.toMatchObject({ code: 'CLOSED' });
    expect([channel.destroyed, calls.clock.pending]).toEqual([true, 0]);
  });
});

describe('the client is called again', () => {
  test('after a pause that grows while nothing is finished', async () => {
    await send('a');
    const pauses: number[] = [];
    for (let n = 0; n < 7; n++) {
      await calls.answer('DENIED');
      const before = calls.made.length;
      let pause = 0;
      for (; calls.made.length === before; pause += 500) calls.clock.advance(500);
      pauses.push(pause);
    }
    expect(pauses).toEqual([1_000, 2_000, 4_000, 8_000, 16_000, 30_000, 30_000]);
  });

  test('at once when a session of the user begins', async () => {
    await send('a');
    await calls.answer('NOT_CONNECTED');
    calls.session('began', 'x', 'bob');
    expect(calls.made.length).toBe(1);
    calls.session('began');
    expect([calls.made.length, calls.clock.pending]).toEqual([2, 0]);
  });

  test('at once when a session begins in another process, and when that may have been missed', async () => {
    await send('a');
    await calls.answer('NOT_CONNECTED');
    calls.followers[0]?.onSession('began', { user: 'alice', id: 'two' });
    expect(calls.made.length).toBe(2);
    await calls.answer('NOT_CONNECTED');
    calls.followers[0]?.onMissed();
    expect(calls.made.length).toBe(3);
  });

  test('and not for each message that comes meanwhile', async () => {
    await send('a');
    await calls.answer('NOT_CONNECTED');
    await send('b');
    await send('c');
    expect(calls.made.length).toBe(1);
  });

  test('beside the channel there is while its session is away, and the first that answers is used', async () => {
    await send('a');
    const old = new Channel('one');
    await calls.answer(old);
    calls.session('detached', 'one');
    expect(calls.made.length).toBe(2);
    const next = new Channel('two');
    await calls.answer(next);
    expect([old.destroyed, next.first, next.texts]).toEqual([true, 1, ['a']]);
  });

  test('and no more once that session is back: its channel is good', async () => {
    await send('a');
    const channel = new Channel('one');
    await calls.answer(channel);
    calls.session('detached', 'one');
    calls.session('resumed', 'one');
    await turn();
    expect([calls.made.at(-1)?.signal?.aborted, channel.destroyed, calls.clock.pending]).toEqual([true, false, 0]);
    await send('b');
    await turn();
    expect([channel.texts, calls.made.length]).toEqual([['a', 'b'], 2]);
  });

  test('never when nothing waits', async () => {
    await send('a');
    const channel = new Channel('one');
    await calls.answer(channel);
    channel.finish(1);
    await turn();
    calls.session('detached', 'one');
    channel.destroy();
    await turn();
    calls.session('began', 'two');
    expect([calls.made.length, calls.clock.pending]).toEqual([1, 0]);
    await send('b');
    expect(calls.made.length).toBe(2);
  });

  test('never when the server is closed', async () => {
    await send('a');
    await calls.answer('SERVER_CLOSED');
    expect(calls.clock.pending).toBe(0);
  });
});

describe('with a store', () => {
  class Store implements MessageStore {
    readonly kept: string[] = [];
    readonly finished: string[] = [];
    readonly waiting: (() => void)[] = [];
    readonly streams: KeptStream[];
    isFull = false;

    constructor(streams: KeptStream[] = []) {
      this.streams = streams;
    }
    load(): KeptStream[] {
      return this.streams;
    }
    keep({ user, stream, number, data }: KeptMessage): Promise<void> {
      return new Promise((resolve, reject) => {
        if (this.isFull) return reject(new Error('no space'));
        this.kept.push(`${user} ${stream} ${number} ${data}`);
        this.waiting.push(resolve);
      });
    }
    finish(user: string, stream: string, number: number): void {
      this.finished.push(`${user} ${stream} ${number}`);
    }
  }

  test('a message leaves when it is kept, and one after the other is', async () => {
    const store = new Store();
    begin({ store });
    const numbers: number[] = [];
    for (const text of ['a', 'b']) void send(text).then((number) => numbers.push(number));
    await turn();
    expect([store.kept, calls.made.length]).toEqual([['alice news 1 a'], 0]);
    store.waiting.shift()?.();
    await turn();
    expect([store.kept.length, calls.made.length, numbers]).toEqual([2, 1, [1]]);
    const channel = new Channel();
    await calls.answer(channel);
    expect(channel.texts).toEqual(['a']);
    store.waiting.shift()?.();
    await turn();
    expect([channel.texts, numbers]).toEqual([
      ['a', 'b'],
      [1, 2],
    ]);
    channel.finish(2);
    await turn();
    expect(store.finished).toEqual(['alice news 2']);
  });

  test('one that cannot be kept is not sent, and leaves no gap', async () => {
    const store = new Store();
    begin({ store });
    store.isFull = true;
    await expect(send('a')).rejects.toThrow('no space');
    store.isFull = false;
    const sent = send('b');
    await turn();
    store.waiting.shift()?.();
    expect([await sent, store.kept]).toEqual([1, ['alice news 1 b']]);
  });

  test('what another process has left is sent, with its numbers, and new ones behind it', async () => {
    const epoch = '0123456789abcdef';
    const left = { user: 'alice', stream: 'news', epoch, finished: 7, messages: [Buffer.from('h'), Buffer.from('i')] };
    const store = new Store([left]);
    begin({ store });
    await turn();
    const channel = new Channel();
    await calls.answer(channel);
    expect([channel.epoch, channel.first, channel.texts]).toEqual([epoch, 8, ['h', 'i']]);
    const sent = send('j');
    await turn();
    store.waiting.shift()?.();
    expect(await sent).toBe(10);
  });

  test('that cannot be read nothing is sent', async () => {
    const store = new Store();
    store.load = () => {
      throw new Error('no such table');
    };
    begin({ store });
    await expect(send('a')).rejects.toThrow('no such table');
  });

  test('that cannot forget, the program is told', async () => {
    const errors: unknown[] = [];
    const store = new Store([
      { user: 'alice', stream: 'news', epoch: '00'.repeat(8), finished: 0, messages: [Buffer.of(1)] },
    ]);
    store.finish = () => {
      throw new Error('read-only');
    };
    begin({ store, onError: (error) => errors.push(error) });
    await turn();
    const channel = new Channel();
    await calls.answer(channel);
    channel.finish(1);
    await turn();
    expect([errors, channel.destroyed]).toEqual([[new Error('read-only')], false]);
  });
});
