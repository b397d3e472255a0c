import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { Recorder } from 'wsproxy-test-support/engine/recorder';
import type { OfferedChannel } from '../../src/channel/channel.js';
import type { ChannelSink } from '../../src/channel/handlers.js';
import { FlowPair } from './flow-pair.js';
import { accepting, connected } from './listen-pair.js';
import { SessionPair } from './session-pair.js';

const THROWN = new Error('of the program');
const TARGET = { host: 'example.org', port: 80 };

/** What the program is told as rejections. */
let rejections: unknown[];

beforeEach(() => {
  rejections = [];
  vi.spyOn(Promise, 'reject').mockImplementation((error) => {
    rejections.push(error);
    return Promise.resolve() as Promise<never>;
  });
});
afterEach(() => vi.restoreAllMocks());

/** Throws when it is told `what`. */
class Thrower extends Recorder {
  readonly #what: keyof ChannelSink | 'onOpen';

  constructor(what: keyof ChannelSink | 'onOpen') {
    super();
    this.#what = what;
  }

  override onOpen(): void {
    super.onOpen();
    this.#throwAt('onOpen');
  }
  override onData(chunk: Uint8Array): void {
    super.onData(chunk);
    this.#throwAt('onData');
  }
  override onEnd(): void {
    super.onEnd();
    this.#throwAt('onEnd');
  }
  override onReset(code: Parameters<Recorder['onReset']>[0]): void {
    super.onReset(code);
    this.#throwAt('onReset');
  }
  override onWritable(): void {
    super.onWritable();
    this.#throwAt('onWritable');
  }

  #throwAt(what: keyof ChannelSink | 'onOpen'): void {
    if (what === this.#what) throw THROWN;
  }
}

/** Tells what it is told of what was thrown. */
class Told extends Thrower {
  onThrown(error: unknown): void {
    this.events.push(`thrown ${(error as Error).message}`);
  }
}

/** The far ends of what the client opens, accepted and recorded. */
function farEnds(pair: SessionPair): Recorder[] {
  const recorders: Recorder[] = [];
  pair.keeper.onChannel = (channel) => {
    channel.accept();
    recorders.push(new Recorder().take(channel));
  };
  return recorders;
}

function connectedPair(): SessionPair {
  return new SessionPair().connect().settle();
}

function open(pair: SessionPair, near: Recorder): Recorder {
  return near.take(pair.client.open(TARGET, near));
}

describe('what is thrown by the one who uses a channel', () => {
  test.each([
    ['onOpen', () => {}],
    ['onData', (far: Recorder) => far.channel.write(Uint8Array.of(1))],
    ['onEnd', (far: Recorder) => far.channel.end()],
  ] as const)('in %s resets it alone: others have all that came with it, also after a resume', (what, cause) => {
    const pair = connectedPair();
    const far = farEnds(pair);
    const [thrower, other] = [open(pair, new Told(what)), open(pair, new Recorder())];
    pair.settle();
    // All of it comes as one chunk.
    if (far[0] !== undefined) cause(far[0]);
    far[1]?.channel.write(Uint8Array.of(2, 3));
    pair.settle();
    expect(thrower.events.at(-1)).toBe('thrown of the program');
    expect(far[0]?.events.at(-1)).toBe('reset INTERNAL');
    pair.cut();
    pair.connect().settle();
    other.channel.write(Uint8Array.of(4));
    pair.settle();
    expect([...other.bytes]).toEqual([2, 3]);
    expect([far[1]?.bytes.at(-1), pair.client.channelCount, pair.log.closings]).toEqual([4, 1, []]);
    expect(rejections).toEqual([]);
  });

  test('in onWritable resets it, and what others send goes on', () => {
    const pair = connectedPair();
    const far = farEnds(pair);
    const [thrower, other] = [open(pair, new Told('onWritable')), open(pair, new Recorder())];
    pair.settle();
    while (thrower.channel.write(new Uint8Array(16_384)));
    other.channel.write(new Uint8Array(1_000));
    pair.run(() => far[1]?.bytes.length === 1_000 && far[0]?.events.at(-1) === 'reset INTERNAL');
    expect(thrower.events).toEqual(['open', 'thrown of the program']);
  });

  test('in onReset is told once', () => {
    const pair = connectedPair();
    const far = farEnds(pair);
    const thrower = open(pair, new Thrower('onReset'));
    pair.settle();
    far[0]?.channel.reset('TIMED_OUT');
    pair.settle();
    expect([thrower.events, rejections]).toEqual([['open', 'reset TIMED_OUT'], [THROWN]]);
  });

  test('is a rejection of the program where it has no onThrown, and a reset follows', () => {
    const pair = connectedPair();
    const far = farEnds(pair);
    const thrower = open(pair, new Thrower('onData'));
    pair.settle();
    far[0]?.channel.write(Uint8Array.of(1));
    far[0]?.channel.write(Uint8Array.of(2));
    pair.settle();
    expect([thrower.events, rejections]).toEqual([['open', 'data', 'reset INTERNAL'], [THROWN]]);
    expect(far[0]?.events).toEqual(['reset INTERNAL']);
  });

  test('by the one who is asked whether there is one is a refusal', () => {
    const pair = connectedPair();
    pair.keeper.onChannel = () => {
      throw THROWN;
    };
    const near = open(pair, new Recorder());
    pair.settle();
    expect([near.events, rejections, pair.server.channelCount]).toEqual([['fail INTERNAL'], [THROWN], 0]);
  });

  test('in onFail, and when it is over, leaves the session as it is', () => {
    const pair = connectedPair();
    pair.keeper.onChannel = (channel: OfferedChannel) => channel.refuse('DENIED');
    const near = new Recorder();
    const onFail = (): void => {
      throw THROWN;
    };
    const channel = pair.client.open(TARGET, { onOpen() {}, onFail });
    const over: string[] = [];
    channel.onOver(onFail);
    channel.onOver(() => over.push('over'));
    open(pair, near);
    pair.settle();
    expect([near.events, over, rejections]).toEqual([['fail DENIED'], ['over'], [THROWN, THROWN]]);
  });
});

describe('what is thrown by the one who has a listener', () => {
  test('where something has arrived resets that alone', () => {
    const pair = connected();
    const { near, far } = pair.listen();
    near.onOffer = () => {
      throw THROWN;
    };
    const first = pair.arrive(far);
    pair.settle();
    expect([first.events, rejections]).toEqual([['fail INTERNAL'], [THROWN]]);
    const taken = accepting(near);
    const second = pair.arrive(far);
    second.channel.write(Uint8Array.of(1));
    pair.settle();
    expect([second.events, taken[0]?.events]).toEqual([['open'], ['data']]);
  });

  test('where it listens changes nothing', () => {
    const pair = connected();
    pair.onListen = (listener) => listener.accept({ host: '127.0.0.1', port: 1 });
    const near = pair.ask();
    near.onListening = () => {
      throw THROWN;
    };
    pair.settle();
    const taken = accepting(near);
    pair.arrive(pair.offered(0)).channel.write(Uint8Array.of(1));
    pair.settle();
    expect([taken[0]?.events, rejections]).toEqual([['data'], [THROWN]]);
  });
});

test('what is thrown where a datagram comes ends its flow alone', () => {
  const pair = new FlowPair();
  pair.connect().settle();
  const first = pair.openFlow(TARGET);
  const second = pair.openFlow(TARGET);
  first.near.onDatagram = () => {
    throw THROWN;
  };
  for (const { far } of [first, second]) far.flow.send(Uint8Array.of(1));
  pair.settle();
  expect([first.near.flow.figures.failure, first.far.flow.figures.failure, rejections]).toEqual([
    'INTERNAL',
    'INTERNAL',
    [THROWN],
  ]);
  expect([second.near.datagrams.length, second.near.flow.state.dead]).toEqual([1, false]);
});
