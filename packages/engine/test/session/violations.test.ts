import { describe, expect, test } from 'vitest';
import { bytesOf, u32At } from 'wsproxy-test-support/engine/bytes';
import {
  ack,
  data,
  fin,
  goAway,
  hello,
  open,
  openFail,
  openOk,
  ping,
  pong,
  reset,
  resume,
  window,
} from 'wsproxy-test-support/engine/frames';
import { encodePlain, type PlainFrame } from 'wsproxy-test-support/engine/oracle-codec';
import type { RawPeer } from 'wsproxy-test-support/engine/raw-peer';
import { Recorder } from 'wsproxy-test-support/engine/recorder';
import { join, zeros } from '../../src/bytes.js';
import { EARLY_WINDOW } from '../../src/constants.js';
import { FrameType } from '../../src/frame/frame.js';
import { RawClient, RawServer } from './raw-session.js';

const target = { host: 'example.org', port: 80 };

/** A server session with channels 1 (accepted), 3 (offered) and 5 (over). */
function served(): { client: RawClient; peer: RawPeer } {
  const client = new RawClient();
  const peer = client.greeted().say(open(1), open(3), open(5));
  client.keeper.offered[0]?.accept();
  client.keeper.offered[2]?.refuse('DENIED');
  return { client, peer: peer.settle() };
}

/** A client session with channels 1 (open), 3 (requested) and 5 (over). */
function requesting(): { server: RawServer; peer: RawPeer } {
  const server = new RawServer();
  for (let n = 0; n < 3; n++) server.session.open(target, new Recorder());
  return { server, peer: server.greeted().say(openOk(1), openFail(5, 1)) };
}

describe('a server ends the session with 4003 at', () => {
  test.each<[string, PlainFrame | Uint8Array]>([
    ['F1: bytes that are no frame', bytesOf('GET / HTTP/1.1\r\n\r\n')],
    ['F1: a length that does not fit the type', bytesOf([0x05, 0, 0, 1, 0, 0, 0, 1, 0])],
    ['F2: an unknown type', { type: 0x07, channel: 1, payload: zeros(0) }],
    ['F2: an unknown unsequenced type that may not be skipped', { type: 0x87, channel: 0, payload: zeros(8) }],
    ['F2: flags on a known type', bytesOf([0x05, 1, 0, 0, 0, 0, 0, 1])],
    ['F5: OPEN with a number in use', open(1)],
    ['F5: OPEN with a number that was used', open(5)],
    ['F6: OPEN with an even number', open(8)],
    ['F6: OPEN with a lower number', open(3)],
    ['F6: OPEN on channel 0', open(0)],
    ['F10: DATA beyond the early window of an offered channel', data(3, zeros(EARLY_WINDOW + 1))],
    ['F11: DATA for a channel never opened', data(7, 'x')],
    ['F11: FIN for a channel never opened', fin(7)],
    ['F11: RESET for a channel never opened', reset(7)],
    ['F11: WINDOW for a channel never opened', window(7, 1)],
    ['F11: DATA for an even channel, which nobody opened', data(2, 'x')],
    ['OPEN_OK for a channel that it was asked for', openOk(3)],
    ['OPEN_FAIL for a channel that it was asked for', openFail(3, 1)],
    ['OPEN_OK for a channel that is open', openOk(1)],
    ['an ACK beyond what was sent', ack(3)],
    ['an ACK above 2^53 - 1', ack(2n ** 53n)],
    ['a WINDOW above 2^53 - 1', window(1, 2n ** 64n - 1n)],
    ['a second HELLO', hello()],
    ['RESUME on a transport with a session', resume()],
  ])('%s', (_name, frame) => {
    const { client, peer } = served();
    peer.say(frame);
    expect(peer.closeCode).toBe(4003);
    expect(client.keeper.log.closings).toHaveLength(1);
    expect(client.keeper.log.losses).toEqual([]);
    expect(client.keeper.offered.every(({ state }) => state.dead)).toBe(true);
    expect(client.clock.pending).toBe(0);
  });

  test('DATA after FIN', () => {
    const { peer } = served();
    peer.say(data(1, 'x'), fin(1));
    expect(peer.closeCode).toBeUndefined();
    peer.say(data(1, 'y'));
    expect(peer.closeCode).toBe(4003);
  });

  test('an ACK that takes one back', () => {
    const { peer } = served();
    peer.say(ack(2));
    expect(peer.closeCode).toBeUndefined();
    peer.say(ack(1));
    expect(peer.closeCode).toBe(4003);
  });

  test('F10: DATA beyond the window of an open channel, to the byte', () => {
    const { client, peer } = served();
    const limit = u32At(peer.heard(FrameType.openOk)[0]?.payload, 0) ?? 0;
    const whole = Array.from({ length: Math.floor(limit / 16_384) }, () => data(1, zeros(16_384)));
    peer.say(...whole, ...(limit % 16_384 === 0 ? [] : [data(1, zeros(limit % 16_384))]));
    expect(peer.closeCode).toBeUndefined();
    expect(client.keeper.offered[0]?.figures.bytesReceived).toBe(limit);
    peer.say(data(1, 'x'));
    expect(peer.closeCode).toBe(4003);
  });
});

describe('a client ends the session with 4003 at', () => {
  test.each<[string, PlainFrame]>([
    ['OPEN with an odd number', open(7)],
    ['OPEN with an even number', open(2)],
    ['DATA before OPEN_OK', data(3, 'x')],
    ['FIN before OPEN_OK', fin(3)],
    ['OPEN_OK for a channel that is open', openOk(1)],
    ['OPEN_FAIL for a channel that is open', openFail(1, 1)],
    ['DATA for a channel never opened', data(7, 'x')],
    ['DATA for an even channel', data(2, 'x')],
  ])('%s', (_name, frame) => {
    const { server, peer } = requesting();
    peer.say(frame);
    expect(peer.closeCode).toBe(4003);
    expect(server.log.closings).toHaveLength(1);
    expect(server.clock.pending).toBe(0);
  });
});

describe('what crosses the end of a channel is ignored', () => {
  test.each<[string, PlainFrame]>([
    ['F12: DATA', data(5, 'x')],
    ['F12: FIN', fin(5)],
    ['F12: RESET', reset(5)],
    ['F12: WINDOW', window(5, 1_000_000)],
    ['OPEN_OK', openOk(5)],
    ['OPEN_FAIL', openFail(5, 1)],
  ])('%s', (_name, frame) => {
    const { peer } = requesting();
    peer.say(frame, frame);
    expect(peer.closeCode).toBeUndefined();
    const other = served();
    if (frame.type !== FrameType.openOk && frame.type !== FrameType.openFail) other.peer.say(frame, frame);
    expect(other.peer.closeCode).toBeUndefined();
  });

  test('and counted, as every sequenced frame', () => {
    const { client, peer } = served();
    const before = client.keeper.session.figures.received;
    peer.say(data(5, 'x'), fin(5), reset(5), window(5, 1));
    expect(client.keeper.session.figures.received).toBe(before + 3);
  });

  test('also when the frame arrives in pieces', () => {
    const { client, peer } = served();
    const before = client.keeper.session.figures.received;
    for (const byte of encodePlain(data(5, 'abc'))) peer.say(bytesOf([byte]));
    expect(client.keeper.session.figures.received).toBe(before + 1);
  });
});

test('a frame that may be skipped is skipped, also on a channel and with flags', () => {
  const { client, peer } = served();
  const before = client.keeper.session.figures.received;
  peer.say(bytesOf([0xc9, 0xff, 0, 3, 0, 0, 0, 9, 1, 2, 3]), ping(7));
  expect(peer.heard(FrameType.pong)).toEqual([pong(7)]);
  expect(client.keeper.session.figures.received).toBe(before);
});

test('GOAWAY of an unknown kind is ignored', () => {
  const { peer } = served();
  for (const kind of [0, 4, 255]) peer.say(goAway(kind));
  expect(peer.closeCode).toBeUndefined();
});

test('a lower WINDOW takes nothing back', () => {
  const client = new RawClient();
  const peer = client.greeted().say(open(1, 100));
  const [channel] = client.keeper.offered;
  channel?.accept();
  channel?.write(zeros(5_000));
  peer.settle();
  expect(peer.dataOf(1)).toHaveLength(100);
  peer.say(window(1, 3_000), window(1, 10));
  expect(peer.dataOf(1)).toHaveLength(3_000);
});

test('F16: WINDOW and PING by the hundred thousand leave nothing behind', () => {
  const { peer } = served();
  const flood = join(Array.from({ length: 50_000 }, () => encodePlain(window(1, 1))));
  peer.say(flood, join(Array.from({ length: 50_000 }, (_, n) => encodePlain(ping(n)))));
  expect(peer.closeCode).toBeUndefined();
  expect(peer.heard(FrameType.pong)).toEqual([pong(49_999)]);
});

test('E5: a text message ends the session with 1003', () => {
  const { client, peer } = served();
  peer.sayText();
  expect(peer.closeCode).toBe(1003);
  expect(client.keeper.log.closings).toEqual(['a text message']);
  expect(client.clock.pending).toBe(0);
});

test('nothing is read behind a violation', () => {
  const { client, peer } = served();
  peer.say(join([open(1), open(7)].map(encodePlain)));
  expect(client.keeper.offered).toHaveLength(3);
});
