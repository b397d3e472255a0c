import { describe, expect, test } from 'vitest';
import { ack, data, helloWith, open, ping, TAKEN, taken } from 'wsproxy-test-support/engine/frames';
import { encodePlain, u64 } from 'wsproxy-test-support/engine/oracle-codec';
import type { RawPeer } from 'wsproxy-test-support/engine/raw-peer';
import { join, zeros } from '../../src/bytes.js';
import { type Frame, FrameType } from '../../src/frame/frame.js';
import { RawClient } from './raw-session.js';

const HELLO = helloWith(TAKEN);

function greeted(): { client: RawClient; peer: RawPeer } {
  const client = new RawClient();
  return { client, peer: client.connect().say(HELLO) };
}

function isSequencedFrame({ type }: Frame): boolean {
  return type < 0x80;
}

/** Bytes of the frames that a peer has heard, up to the last sequenced one. */
function owed(peer: RawPeer): number {
  const last = peer.frames.findLastIndex(isSequencedFrame);
  return join(peer.frames.slice(0, last + 1).map(encodePlain)).length;
}

describe('TAKEN', () => {
  test('takes the place of ACK, and counts every byte of the stream, parts of frames as well', () => {
    const { client, peer } = greeted();
    const frames = [open(1), ping(7), data(1, 'hello')];
    const part = encodePlain(data(1, 'not all of it')).subarray(0, 11);
    peer.say(...frames, part);
    client.clock.advance(5);
    peer.settle();
    const bytes = join([HELLO, ...frames].map(encodePlain)).length + part.length;
    expect(peer.heard(FrameType.taken)).toEqual([taken(2, bytes)]);
    expect(peer.heard(FrameType.ack)).toEqual([]);
  });

  test('is never due for frames that are not counted: not for PING, nor for itself', () => {
    const { client, peer } = greeted();
    for (let n = 0; n < 20; n++) {
      peer.say(ping(n), taken(0, 0));
      client.clock.advance(1_000);
    }
    expect(peer.heard(FrameType.taken)).toEqual([]);
  });

  test('frees what is in flight by the bytes of the stream, and what is kept by the count', () => {
    const { client, peer } = greeted();
    peer.say(open(1));
    const channel = client.keeper.offered[0];
    channel?.accept();
    channel?.write(zeros(10_000));
    peer.settle();
    const { figures } = client.keeper.session;
    const end = owed(peer);
    expect(figures.bytesInFlight).toBe(join(peer.frames.filter(isSequencedFrame).map(encodePlain)).length);
    peer.say(taken(0, end - 4_000));
    expect(figures.bytesInFlight).toBe(4_000);
    expect(figures.replayBytes).toBeGreaterThan(10_000);
    peer.say(taken(0, end - 5_000));
    expect(figures.bytesInFlight).toBe(4_000);
    peer.say(taken(figures.sent, end));
    expect([figures.bytesInFlight, figures.replayBytes]).toEqual([0, 0]);
  });

  test('counts no control frames that went while nothing was in flight, since they make none due', () => {
    const { client, peer } = greeted();
    peer.say(open(1));
    const channel = client.keeper.offered[0];
    channel?.accept();
    peer.settle().say(taken(1, owed(peer)));
    const { figures } = client.keeper.session;
    expect(figures.bytesInFlight).toBe(0);
    for (let n = 0; n < 100; n++) {
      peer.say(data(1, 'of a long way down'));
      client.clock.advance(5);
      peer.settle();
    }
    expect(peer.heard(FrameType.taken).length).toBeGreaterThan(99);
    channel?.write(Uint8Array.of(1));
    peer.settle();
    expect(figures.bytesInFlight).toBe(encodePlain(data(1, 'a')).length);
    peer.say(taken(2, owed(peer) - 1));
    expect(figures.bytesInFlight).toBe(1);
    peer.say(taken(2, owed(peer)));
    expect(figures.bytesInFlight).toBe(0);
  });

  test('begins at 0 again on another transport', () => {
    const { client, peer } = greeted();
    peer.say(open(1), taken(0, 80));
    client.keeper.offered[0]?.accept();
    peer.settle();
    const next = client.connect();
    next.say({
      type: FrameType.resume,
      channel: 0,
      payload: join([HELLO.payload.subarray(0, 52), zeros(3), Uint8Array.of(1), u64(0)]),
    });
    expect(client.keeper.session.figures.bytesInFlight).toBe(owed(next));
    next.say(taken(0, 1));
    expect(client.keeper.session.figures.bytesInFlight).toBe(owed(next) - 1);
  });

  test.each([
    ['more bytes than were sent', [taken(0, 10_000)]],
    ['more frames than were sent', [taken(1, 20)]],
    ['a count that nothing reaches', [taken(0, 2n ** 63n)]],
  ])('is an error with %s', (_what, frames) => {
    const { peer } = greeted();
    peer.say(...frames);
    expect(peer.closeCode).toBe(4003);
  });

  test('is an error where it was not agreed on', () => {
    const peer = new RawClient().connect().say(helloWith(0), taken(0, 0));
    expect(peer.closeCode).toBe(4003);
  });
});

test('ACK still tells the count where TAKEN is agreed on', () => {
  const { client, peer } = greeted();
  peer.say(open(1));
  client.keeper.offered[0]?.accept();
  peer.settle().say(ack(1));
  expect(client.keeper.session.figures.replayBytes).toBe(0);
  expect(peer.closeCode).toBeUndefined();
});

test('ACK behind TAKEN frees nothing twice', () => {
  const { client, peer } = greeted();
  peer.say(open(1));
  client.keeper.offered[0]?.accept();
  peer.settle().say(taken(0, owed(peer)), ack(1));
  expect(client.keeper.session.figures.bytesInFlight).toBe(0);
});
