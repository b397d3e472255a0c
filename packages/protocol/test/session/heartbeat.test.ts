import { describe, expect, test } from 'vitest';
import { FrameType } from '../../src/frame/frame.js';
import { ack, data, open, ping, pong, resume } from '../support/frames.js';
import { encodePlain } from '../support/oracle-codec.js';
import type { RawPeer } from '../support/raw-peer.js';
import { RawClient, RawServer } from './raw-session.js';
import { SessionPair } from './session-pair.js';

const pings = (peer: RawPeer): number => peer.settle().heard(FrameType.ping).length;

describe('PING', () => {
  test('is said after 15 s without anything sent, and every 15 s from then on', () => {
    const client = new RawClient();
    const peer = client.greeted();
    const before = pings(peer);
    client.clock.advance(14_999);
    expect(pings(peer)).toBe(before);
    client.clock.advance(1);
    expect(pings(peer)).toBe(before + 1);
    peer.say(ping(1));
    client.clock.advance(14_999);
    expect(pings(peer)).toBe(before + 1);
    client.clock.advance(1);
    expect(pings(peer)).toBe(before + 2);
  });

  test('is put off by anything else that is sent', () => {
    const client = new RawClient();
    const peer = client.greeted().say(open(1));
    client.keeper.offered[0]?.accept();
    const before = pings(peer);
    for (let n = 0; n < 5; n++) {
      client.clock.advance(10_000);
      client.keeper.offered[0]?.write(Buffer.from('x'));
      peer.say(ack(n + 1));
    }
    expect(pings(peer)).toBe(before);
  });

  test('is answered with its own payload', () => {
    const client = new RawClient();
    expect(
      client
        .greeted()
        .say(ping(2n ** 64n - 1n))
        .heard(FrameType.pong),
    ).toEqual([pong(2n ** 64n - 1n)]);
  });

  test('keeps an idle session alive for ever', () => {
    const pair = new SessionPair().connect().settle();
    for (let seconds = 0; seconds < 3_600; seconds += 1) {
      pair.clock.advance(1_000);
      pair.settle();
    }
    expect(pair.log.losses).toEqual([]);
    expect(pair.keeper.log.losses).toEqual([]);
  });
});

describe('silence', () => {
  test.each([
    [
      'server',
      () => {
        const client = new RawClient();
        return { peer: client.greeted(), clock: client.clock, losses: client.keeper.log.losses };
      },
    ],
    [
      'client',
      () => {
        const server = new RawServer();
        return { peer: server.greeted(), clock: server.clock, losses: server.log.losses };
      },
    ],
  ])('of 45 s detaches a %s', (_role, prepare) => {
    const { peer, clock, losses } = prepare();
    clock.advance(44_999);
    expect(losses).toEqual([]);
    clock.advance(1);
    expect(losses).toHaveLength(1);
    expect(losses[0]?.code).toBe(1006);
    expect(peer.closeCode).toBe(1006);
    expect(clock.pending).toBe(0);
  });

  test('is broken by any byte, even within a frame', () => {
    const client = new RawClient();
    const peer = client.greeted().say(open(1));
    const bytes = encodePlain(data(1, Buffer.alloc(10)));
    for (const byte of bytes) {
      client.clock.advance(40_000);
      peer.say(Buffer.from([byte]));
    }
    expect(client.keeper.log.losses).toEqual([]);
    expect(client.keeper.offered[0]?.bytesReceived).toBe(10);
  });

  test('is judged only after what was waiting to be read', () => {
    const client = new RawClient();
    const peer = client.greeted();
    // The process stood still: the timer comes before the input that waited, which comes before the verdict.
    const setTimer = client.clock.setTimer.bind(client.clock);
    client.clock.setTimer = (callback, delay) => {
      if (delay > 0) return setTimer(callback, delay);
      return setTimer(() => {
        peer.say(ping(1));
        callback();
      }, 0);
    };
    client.clock.advance(100_000);
    expect(client.keeper.log.losses).toEqual([]);
    expect(peer.closeCode).toBeUndefined();
  });

  test('before the answer to RESUME detaches too', () => {
    const server = new RawServer();
    server.greeted().close(1006);
    server.connect();
    server.clock.advance(45_000);
    expect(server.log.losses).toHaveLength(2);
  });

  test('of an old transport means nothing once there is a new one', () => {
    const client = new RawClient();
    client.greeted();
    client.clock.advance(40_000);
    const peer = client.connect().say(resume());
    client.clock.advance(44_000);
    expect(client.keeper.log.losses).toEqual([]);
    client.clock.advance(1_000);
    expect(client.keeper.log.losses).toHaveLength(1);
    expect(peer.closeCode).toBe(1006);
  });
});
