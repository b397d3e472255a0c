import { describe, expect, test } from 'vitest';
import { bytesOf, isEqual, u32At } from 'wsproxy-test-support/engine/bytes';
import { ack, data, fin, helloWith, open, openOk, RETURN, resume } from 'wsproxy-test-support/engine/frames';
import { encodePlain } from 'wsproxy-test-support/engine/oracle-codec';
import { pattern } from 'wsproxy-test-support/engine/pattern';
import { Recorder } from 'wsproxy-test-support/engine/recorder';
import { SimLink } from 'wsproxy-test-support/engine/sim-link';
import { zeros } from '../../src/bytes.js';
import { FrameType } from '../../src/frame/frame.js';
import { Exchange, GOOD } from './exchange.js';
import { expectClean } from './expect-clean.js';
import { RawClient, RawServer } from './raw-session.js';
import { SessionPair } from './session-pair.js';

const target = { host: 'example.org', port: 80 };
/** Client to server, server to client. */
const WAYS = [0, 1] as const;

/** Bytes of a HELLO, and of the answer. */
const HELLO_LENGTH = encodePlain(helloWith(RETURN)).length;
/** Bytes that the exchange takes in each direction, when nothing goes wrong. */
const lengths = WAYS.map((way) => new Exchange().run(way));

test('the exchange goes well when nothing is cut', () => {
  const exchange = new Exchange();
  exchange.run(0);
  expect(exchange.outcome).toEqual(GOOD);
});

describe.each(WAYS)('a transport that is cut at any byte of way %i', (way) => {
  /** Before the greeting was heard, the server cannot know the session: then everything is reset. */
  const LOST = {
    echo: ['fail SESSION_LOST'],
    refused: ['fail SESSION_LOST'],
    reset: ['fail SESSION_LOST'],
    heard: false,
    ends: 0,
  };

  test.each([
    ['noticed by both ends', true],
    ['overtaken before anyone notices', false],
  ])('and %s loses nothing', (_how, informed) => {
    for (let cut = 0; cut <= (lengths[way] ?? 0); cut++) {
      const exchange = new Exchange();
      exchange.run(way, cut);
      exchange.cut(informed);
      exchange.reconnect();
      exchange.run(way);
      const { client, log } = exchange.pair;
      if (log.losses.at(-1)?.code === 4006) {
        client.close('unknown to the server', 4006);
        expect([cut, exchange.outcome]).toMatchObject([cut, LOST]);
        expect(way === 0 && cut < HELLO_LENGTH ? 'lost' : [way, cut]).toBe('lost');
      } else {
        expect([cut, exchange.outcome]).toEqual([cut, GOOD]);
      }
    }
  });

  test('and again during the replay loses nothing', () => {
    const [length = 0] = [lengths[way]];
    for (let cut = HELLO_LENGTH; cut <= length; cut += 13) {
      for (let second = 0; second <= length - cut; second += 17) {
        const exchange = new Exchange();
        exchange.run(way, cut);
        exchange.cut(true);
        exchange.reconnect();
        exchange.run(way, second);
        exchange.cut(second % 2 === 0);
        exchange.reconnect();
        exchange.run(way);
        expect([cut, second, exchange.outcome]).toEqual([cut, second, GOOD]);
      }
    }
  });
});

describe('the old transport', () => {
  test('delivers into the void once the new one has taken over, at both ends', () => {
    const pair = new SessionPair();
    const old = new SimLink();
    pair.join(...old.ends);
    const deliver = (link: SimLink): void => {
      for (let n = 0; n < 10; n++) {
        pair.clock.runDeferred();
        for (const way of WAYS) link.deliver(way, 1_000_000);
      }
    };
    const far = new Recorder();
    pair.keeper.onChannel = (channel) => {
      channel.accept();
      far.take(channel);
    };
    const near = pair.request();
    deliver(old);
    near.channel.write(pattern(1, 0, 20_000));
    far.channel.write(pattern(2, 0, 20_000));
    pair.clock.runDeferred();
    for (const way of WAYS) old.deliver(way, 5_000);

    const next = new SimLink();
    pair.join(...next.ends);
    pair.clock.runDeferred();
    next.deliver(0, 1_000);
    // The server has fenced the old transport off; what it still brings comes too late.
    for (const way of WAYS) old.deliver(way, 1_000_000);
    const before = [near.bytes.length, far.bytes.length];
    for (const way of WAYS) old.deliver(way, 1_000_000);
    expect([near.bytes.length, far.bytes.length]).toEqual(before);
    for (let n = 0; n < 10; n++) {
      deliver(next);
      pair.clock.advance(5);
    }
    expect(isEqual(near.bytes, pattern(2, 0, 20_000))).toBe(true);
    expect(isEqual(far.bytes, pattern(1, 0, 20_000))).toBe(true);
    expect(pair.log.losses).toEqual([]);
    expect(pair.keeper.log.losses).toEqual([]);
  });

  test('whose RESUME comes late changes nothing', () => {
    const client = new RawClient();
    client.greeted().say(open(1));
    const late = client.connect();
    const present = client.connect().say(resume({ attempt: 2, received: 0 }));
    expect(late.say(resume({ attempt: 1, received: 0 })).closeCode).toBe(4004);
    present.say(data(1, 'still here'));
    expect(client.keeper.offered[0]?.figures.bytesReceived).toBe(10);
  });
});

describe('a frame that had arrived in part', () => {
  test('is skipped as far as it was delivered, however the replay is sliced', () => {
    const bytes = encodePlain(data(1, pattern(1, 0, 50)));
    for (let part = 8; part < bytes.length; part++) {
      for (const slice of [1, 7, 100]) {
        const client = new RawClient();
        const far = new Recorder();
        client.keeper.onChannel = (channel) => {
          channel.accept();
          far.take(channel);
        };
        const first = client.greeted().say(open(1), bytes.subarray(0, part));
        expect(far.bytes).toHaveLength(part - 8);
        first.close(1006);
        const peer = client.connect().say(resume());
        expect(u32At(peer.frames[0]?.payload, 60)).toBe(1);
        for (let at = 0; at < bytes.length; at += slice) peer.say(bytes.subarray(at, at + slice));
        peer.say(fin(1));
        expect(isEqual(far.bytes, pattern(1, 0, 50))).toBe(true);
        expect(far.events.at(-1)).toBe('end');
      }
    }
  });

  test('is skipped also when the transport is lost again during the replay', () => {
    const bytes = encodePlain(data(1, pattern(1, 0, 50)));
    const client = new RawClient();
    const far = new Recorder();
    client.keeper.onChannel = (channel) => {
      channel.accept();
      far.take(channel);
    };
    client.greeted().say(open(1), bytes.subarray(0, 30));
    [12, 40, 8, 35, 58].forEach((part, attempt) => {
      client.connect().say(resume({ attempt: attempt + 1 }), bytes.subarray(0, part));
    });
    expect(isEqual(far.bytes, pattern(1, 0, 50))).toBe(true);
    expect(client.keeper.session.figures.received).toBe(2);
  });

  test('and comes again shorter is an error', () => {
    const client = new RawClient();
    client.keeper.onChannel = (channel) => channel.accept();
    client.greeted().say(open(1), encodePlain(data(1, 'a long one')).subarray(0, 15));
    expect(client.connect().say(resume(), data(1, 'short')).closeCode).toBe(4003);
  });

  test('counts once against the window', () => {
    const client = new RawClient();
    const whole = zeros(10_000);
    const first = client.greeted().say(open(1), encodePlain(data(1, whole)).subarray(0, 9_000));
    first.close(1006);
    client.connect().say(resume(), data(1, whole));
    expect(client.keeper.offered[0]?.figures.bytesReceived).toBe(10_000);
  });
});

describe('after a resume', () => {
  test('every limit that was ever raised is told again', () => {
    const server = new RawServer();
    for (let n = 0; n < 2; n++) {
      const channel = server.session.open(target, { onOpen() {}, onFail() {} });
      channel.start({ onData: ({ length }) => channel.consumed(length), onEnd() {}, onReset() {}, onWritable() {} });
    }
    const first = server.greeted().say(openOk(1), openOk(3));
    for (let n = 0; n < 20; n++) first.say(data(1, zeros(16_384)));
    const told = first.heard(FrameType.window).at(-1);
    expect(told?.channel).toBe(1);
    first.close(1006);
    const next = server.connect().say(resume({ received: server.session.figures.sent }));
    expect(next.heard(FrameType.window)).toEqual([told]);
  });

  test('the greeting comes first, no matter what else is to be told', () => {
    const server = new RawServer();
    const channel = server.session.open(target, { onOpen() {}, onFail() {} });
    channel.start({ onData: ({ length }) => channel.consumed(length), onEnd() {}, onReset() {}, onWritable() {} });
    const first = server.greeted().say(openOk(1));
    for (let n = 0; n < 20; n++) first.say(data(1, zeros(16_384)));
    first.close(1006);
    channel.write(bytesOf('waiting'));
    const next = server.connect();
    expect(next.frames.map(({ type }) => type)).toEqual([FrameType.resume]);
  });

  test('what was opened, written and ended meanwhile is sent', () => {
    const pair = new SessionPair().connect().settle();
    const { near, far } = pair.open();
    pair.cut();
    near.channel.write(bytesOf('while away'));
    near.channel.end();
    far.channel.write(bytesOf('likewise'));
    far.channel.end();
    const opened = pair.request();
    const dropped = pair.request();
    dropped.channel.reset();
    pair.connect().settle();
    expect(far.text).toBe('while away');
    expect(near.text).toBe('likewise');
    expect(opened.events).toEqual(['open']);
    opened.channel.reset();
    expectClean(pair);
  });

  test('a channel that was reset meanwhile is reset at the other end', () => {
    const pair = new SessionPair().connect().settle();
    const { near, far } = pair.open();
    near.channel.write(zeros(1_000));
    pair.clock.runDeferred();
    pair.cut();
    far.channel.reset('CONNECTION_RESET');
    pair.connect().settle();
    expect(near.events).toEqual(['open', 'reset CONNECTION_RESET']);
    expectClean(pair);
  });

  test('an ACK is for what the new transport has carried', () => {
    const client = new RawClient();
    const first = client.greeted().say(open(1), open(3));
    for (const channel of client.keeper.offered) channel.accept();
    first.settle();
    first.close(1006);
    const peer = client.connect().say(resume({ received: 1 }));
    expect(peer.heard('sequenced')).toHaveLength(1);
    peer.say(ack(2));
    expect(peer.closeCode).toBeUndefined();
    peer.say(ack(3));
    expect(peer.closeCode).toBe(4003);
  });

  test('the session survives many losses in a row', () => {
    const pair = new SessionPair().connect().settle();
    const { near, far } = pair.open();
    near.channel.write(pattern(1, 0, 200_000));
    near.channel.end();
    for (let n = 0; far.bytes.length < 200_000; n++) {
      expect(n).toBeLessThan(1_000);
      // The greeting, its answer, and a little more.
      for (let round = 0; round < 3; round++) {
        pair.clock.runDeferred();
        for (const end of pair.ends) end.deliver(40_000 + n);
      }
      pair.cut();
      pair.connect();
    }
    pair.settle();
    expect(isEqual(far.bytes, pattern(1, 0, 200_000))).toBe(true);
    expect(far.events).toEqual(['data', 'end']);
  });
});

describe('F23: when the session is gone', () => {
  test('its channels are reset, never ended', () => {
    const pair = new SessionPair().connect().settle();
    const { near, far } = pair.open();
    far.channel.write(bytesOf('part of it'));
    pair.settle();
    pair.cut();
    pair.server.close('expired', 4005);
    expect(far.events).toEqual(['reset SESSION_LOST']);
    pair.connect().settle();
    expect(pair.log.losses.at(-1)?.code).toBe(4006);
    pair.client.close('unknown', 4006);
    expect(near.events).toEqual(['open', 'data', 'reset SESSION_LOST']);
  });
});
