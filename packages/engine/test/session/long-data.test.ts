import { describe, expect, test } from 'vitest';
import { isEqual } from 'wsproxy-test-support/engine/bytes';
import {
  ack,
  CAPABILITIES,
  hello,
  helloWith,
  LONG_DATA,
  open,
  openOk,
  RETURN,
  resume,
  resumed,
} from 'wsproxy-test-support/engine/frames';
import { encodePlain, type PlainFrame } from 'wsproxy-test-support/engine/oracle-codec';
import { pattern } from 'wsproxy-test-support/engine/pattern';
import type { RawPeer } from 'wsproxy-test-support/engine/raw-peer';
import { Recorder } from 'wsproxy-test-support/engine/recorder';
import { join, zeros } from '../../src/bytes.js';
import type { Channel } from '../../src/channel/channel.js';
import { LONE_FRAME_SIZE, LONG_FRAME_SIZE } from '../../src/constants.js';
import { FrameType } from '../../src/frame/frame.js';
import { RawClient, RawServer } from './raw-session.js';

const target = { host: 'example.org', port: 80 };
const NOBODY = zeros(32);
const longData = (bytes: Uint8Array): PlainFrame => ({ type: FrameType.longData, channel: 1, payload: bytes });
const dataOf = (peer: RawPeer): PlainFrame[] =>
  peer.frames.filter(({ type }) => type === FrameType.data || type === FrameType.longData);

/** Writes what the channel takes, on a path that answers after `roundTrip` ms; returns how many bytes that were. */
function fill(
  channel: Channel,
  peer: RawPeer,
  clock: { advance(ms: number): void },
  rounds = 40,
  roundTrip = 1,
): number {
  let sent = 0;
  const write = (): boolean => {
    sent += channel.appetite;
    return channel.write(pattern(1, sent - channel.appetite, channel.appetite));
  };
  for (let n = 0; n < rounds; n++) {
    while (sent < 30_000_000 && write());
    clock.advance(roundTrip);
    peer.settle().say(ack(peer.heard('sequenced').length));
  }
  return sent;
}

/** A client whose server can do `capabilities`, and its only channel. */
function client(capabilities: number) {
  const server = new RawServer();
  const near = new Recorder();
  near.take(server.session.open(target, near));
  const peer = server.connect().say(helloWith(capabilities, NOBODY), openOk(1, 30_000_000));
  return { server, peer, near };
}

/** A server whose client can do `capabilities`, or knows of none. */
function server(capabilities: number | undefined) {
  const client = new RawClient();
  const far = new Recorder();
  client.keeper.onChannel = (channel) => {
    channel.accept();
    far.take(channel);
  };
  const greeting = capabilities === undefined ? hello() : helloWith(capabilities);
  const peer = client.connect().say(greeting, open(1, 30_000_000));
  return { client, peer, far };
}

describe('on a fast path', () => {
  test('a client says long frames to a server that can read them', () => {
    const { server, peer, near } = client(CAPABILITIES);
    const sent = fill(near.channel, peer, server.clock);
    const lengths = dataOf(peer).map(({ payload }) => payload.length);
    expect(Math.max(...lengths)).toBe(LONG_FRAME_SIZE);
    expect(isEqual(join(dataOf(peer).map(({ payload }) => payload)), pattern(1, 0, sent))).toBe(true);
  });

  test('a server says long frames to a client that can read them', () => {
    const { client, peer, far } = server(LONG_DATA);
    fill(far.channel, peer, client.clock);
    expect(peer.heard(FrameType.longData).length).toBeGreaterThan(10);
  });

  test.each([
    ['knows of none', undefined],
    ['can do nothing', 0],
    ['can do other things', RETURN],
  ])('no long frame is said to a client that %s', (_who, capabilities) => {
    const { client, peer, far } = server(capabilities);
    fill(far.channel, peer, client.clock);
    expect(Math.max(...dataOf(peer).map(({ payload }) => payload.length))).toBe(LONE_FRAME_SIZE);
    expect(peer.heard(FrameType.longData)).toEqual([]);
  });

  test('no long frame is said to a server that has not answered, or cannot read them', () => {
    const { server, peer, near } = client(RETURN);
    fill(near.channel, peer, server.clock);
    expect(peer.heard(FrameType.longData)).toEqual([]);
    expect(Math.max(...dataOf(peer).map(({ payload }) => payload.length))).toBe(LONE_FRAME_SIZE);
  });
});

test('on a slow path no frame is long, no matter what is agreed on', () => {
  const { client, peer, far } = server(LONG_DATA);
  fill(far.channel, peer, client.clock, 60, 50);
  expect(peer.heard(FrameType.longData)).toEqual([]);
});

describe('a long frame that was not agreed on is an error', () => {
  test.each([undefined, 0, RETURN])('at a server, with capabilities %s', (capabilities) => {
    const { peer } = server(capabilities);
    peer.say(longData(zeros(65_536)));
    expect(peer.closeCode).toBe(4003);
  });

  test('at a client', () => {
    const { peer } = client(RETURN);
    peer.say(longData(zeros(65_536)));
    expect(peer.closeCode).toBe(4003);
  });
});

describe('a transport that is lost in the midst of a long frame', () => {
  const bytes = pattern(1, 0, 200_000);

  test.each([8, 9, 90_000, 200_007])('brings nothing twice, cut after %i bytes', (cut) => {
    const { client, peer, far } = server(LONG_DATA);
    peer.say(encodePlain(longData(bytes)).subarray(0, cut)).close(1006);
    const next = client.connect().say(resume({ received: 1 }), longData(bytes));
    expect(isEqual(far.bytes, bytes)).toBe(true);
    expect(next.closeCode).toBeUndefined();
  });

  test('has the frame said again as it was', () => {
    const { server, peer, near } = client(CAPABILITIES);
    const sent = fill(near.channel, peer, server.clock);
    const before = peer.heard('sequenced').length;
    near.channel.write(pattern(1, sent, LONG_FRAME_SIZE));
    peer.settle();
    const [last] = peer.heard(FrameType.longData).slice(-1);
    peer.close(1006);
    const next = server.connect().say(resumed(1, before, 120_000, CAPABILITIES));
    expect(last?.payload.length).toBe(LONG_FRAME_SIZE);
    expect(next.heard(FrameType.longData).map(({ payload }) => isEqual(payload, last?.payload ?? NOBODY))).toEqual([
      true,
    ]);
  });
});

test('credit counts the bytes of long frames as those of others', () => {
  const { peer, far } = server(LONG_DATA);
  peer.say(longData(zeros(200_000)), longData(zeros(65_536)));
  expect([far.bytes.length, peer.closeCode]).toEqual([265_536, undefined]);
  far.stopped = true;
  const told = peer.heard(FrameType.window).length;
  peer.say(longData(zeros(262_144)), longData(zeros(262_144)));
  expect([told > 0, peer.closeCode]).toEqual([true, 4003]);
});
