import { describe, expect, test } from 'vitest';
import type { LimitOptions } from 'wsproxy-server';
import { startAnswerAfterEnd } from 'wsproxy-test-support/destinations/answer-after-end';
import { startUnread } from 'wsproxy-test-support/destinations/unread';
import { sha256 } from 'wsproxy-test-support/keystream';
import { frame, hello, hex, key, open, Type, u64 } from 'wsproxy-test-support/wire/hand-written-frames';
import { RawPeer } from 'wsproxy-test-support/wire/raw-peer';
import { startBystander } from './bystander.js';

const HELLO = hello(key(1));
const PING = frame(Type.ping, 0, u64(7));
const PROTOCOL_ERROR = 4003;
const LATE = 4007;
/** Failure codes (PROTOCOL.md, "Failure codes"). */
const Failure = { badTarget: 10, limitReached: 11 } as const;
const EARLY_WINDOW = 16_384;

/** OPEN for a destination that exists; it stays open. */
type OpenEcho = (channel: number) => Buffer;

describe('ends the session with 4003', () => {
  const cases: [title: string, frames: (openEcho: OpenEcho) => Buffer[]][] = [
    ['F1 a FIN that has a payload', (openEcho) => [HELLO, openEcho(1), frame(Type.fin, 1, 'x')]],
    ['F1 a PING that is too short', () => [HELLO, frame(Type.ping, 0, '1234567')]],
    ['F1 an empty DATA', (openEcho) => [HELLO, openEcho(1), frame(Type.data, 1)]],
    ['F1 a LONG_DATA that DATA could carry', (openEcho) => [HELLO, openEcho(1), hex('0b 00 ffff 00000001')]],
    ['F1 a LONG_DATA that is too long', (openEcho) => [HELLO, openEcho(1), hex('0b 04 0001 00000001')]],
    ['F1 a HELLO that is too short', () => [frame(Type.hello, 0, Buffer.alloc(55))]],
    ['F1 a HELLO that is too long', () => [frame(Type.hello, 0, Buffer.alloc(1025))]],
    ['F2 an unknown sequenced type', () => [HELLO, hex('07 00 0000 00000001')]],
    ['F2 an unknown unsequenced type that must be understood', () => [HELLO, hex('87 00 0000 00000000')]],
    ['F2 a flag', () => [HELLO, frame(Type.ping, 0, u64(0), 1)]],
    ['F4 a second HELLO', () => [HELLO, HELLO]],
    ['F4 OPEN before HELLO', (openEcho) => [openEcho(1), HELLO]],
    ['F4 DATA before HELLO', () => [frame(Type.data, 1, 'x'), HELLO]],
    ['F4 PING before HELLO', () => [PING, HELLO]],
    ['F5 OPEN with a number that is open', (openEcho) => [HELLO, openEcho(1), openEcho(1)]],
    ['F6 OPEN with an even number', (openEcho) => [HELLO, openEcho(2)]],
    ['F6 OPEN with number 0', (openEcho) => [HELLO, openEcho(0)]],
    ['F6 OPEN with a lower number than before', (openEcho) => [HELLO, openEcho(5), openEcho(3)]],
    ['F8 OPEN without a host', () => [HELLO, open(1, '', 80)]],
    ['F8 OPEN with a host of 256 bytes', () => [HELLO, open(1, 'a'.repeat(256), 80)]],
    ['F8 OPEN with a host of 60 000 bytes', () => [HELLO, open(1, 'a'.repeat(60_000), 80)]],
    [
      'F10 more early data than the early window',
      (openEcho) => [
        HELLO,
        openEcho(1),
        frame(Type.data, 1, Buffer.alloc(EARLY_WINDOW / 2)),
        frame(Type.data, 1, Buffer.alloc(EARLY_WINDOW / 2 + 1)),
      ],
    ],
    ['F11 DATA on a channel that was never opened', () => [HELLO, frame(Type.data, 1, 'x')]],
    ['F11 FIN on a channel that was never opened', () => [HELLO, frame(Type.fin, 1)]],
    ['F11 RESET on a channel that was never opened', () => [HELLO, frame(Type.reset, 1, hex('000d'))]],
    ['F11 WINDOW on a channel that was never opened', () => [HELLO, frame(Type.window, 1, u64(1))]],
    ['F11 DATA on a channel that only the server could open', () => [HELLO, frame(Type.data, 2, 'x')]],
    ['F11 OPEN_OK from the opener', (openEcho) => [HELLO, openEcho(1), frame(Type.openOk, 1, hex('00040000'))]],
    ['F11 OPEN_FAIL from the opener', (openEcho) => [HELLO, openEcho(1), frame(Type.openFail, 1, hex('0005'))]],
    ['F11 DATA after FIN', (openEcho) => [HELLO, openEcho(1), frame(Type.fin, 1), frame(Type.data, 1, 'x')]],
    ['F11 DATA on channel 0', () => [HELLO, frame(Type.data, 0, 'x')]],
    ['F11 PING on a channel', (openEcho) => [HELLO, openEcho(1), frame(Type.ping, 1, u64(0))]],
    ['F13 an ACK for frames that were never sent', () => [HELLO, frame(Type.ack, 0, u64(1))]],
    ['F13 an ACK beyond 2^53', () => [HELLO, frame(Type.ack, 0, u64(2n ** 53n))]],
    ['F13 a WINDOW beyond 2^53', (openEcho) => [HELLO, openEcho(1), frame(Type.window, 1, u64(2n ** 64n - 1n))]],
  ];

  test.each(cases)('%s', async (_title, frames) => {
    const { port, echoPort, expectUnharmed } = await startBystander();
    const peer = await RawPeer.connect(port);
    peer.send(...frames((channel) => open(channel, '127.0.0.1', echoPort)));
    expect(await peer.closed).toMatchObject({ code: PROTOCOL_ERROR, reason: expect.stringMatching(/\w/) });
    await expectUnharmed();
  });

  test('F10 data beyond the window of an open channel whose destination does not read', async () => {
    const [{ port, expectUnharmed }, unread] = await Promise.all([startBystander(), startUnread()]);
    const peer = await RawPeer.connect(port);
    peer.send(HELLO, open(1, '127.0.0.1', unread.port));
    await peer.frame(Type.openOk, 1);
    const piece = frame(Type.data, 1, Buffer.alloc(65_535));
    for (let sent = 0; sent < 128 * 1024 * 1024; sent += piece.length) peer.send(piece);
    expect(await peer.closed).toMatchObject({ code: PROTOCOL_ERROR });
    await expectUnharmed();
  });
});

test('F3 K19 an unknown version is refused with 4002 and the version that would do', async () => {
  const { port, expectUnharmed } = await startBystander();
  const peer = await RawPeer.connect(port);
  peer.send(hello(key(1), 2));
  expect(await peer.closed).toEqual({ code: 4002, reason: expect.stringMatching(/\b1\b/) });
  await expectUnharmed();
});

test('F4 HELLO with the id of a living session does not harm it', async () => {
  const { port, echoPort, expectUnharmed } = await startBystander({ grace: 1_000 });
  const owner = await RawPeer.connect(port);
  owner.send(HELLO, open(1, '127.0.0.1', echoPort));
  await owner.frame(Type.openOk, 1);
  const thief = await RawPeer.connect(port);
  thief.send(HELLO);
  expect(await thief.closed).toMatchObject({ code: PROTOCOL_ERROR });
  await owner.expectAlive();
  owner.send(frame(Type.goAway, 0, hex('03000000 00000000')));
  await expectUnharmed();
});

test('F4 closes what says nothing at all for 5 s with 4007', async () => {
  const { port, expectUnharmed } = await startBystander();
  const peer = await RawPeer.connect(port);
  expect(await peer.closed).toMatchObject({ code: LATE });
  await expectUnharmed();
});

describe('keeps the session', () => {
  async function prepare(limits: LimitOptions = {}) {
    const bystander = await startBystander({ limits });
    const peer = await RawPeer.connect(bystander.port);
    const openEcho = (channel: number) => open(channel, '127.0.0.1', bystander.echoPort);
    const finish = async () => {
      await peer.expectAlive();
      peer.send(frame(Type.goAway, 0, hex('03000000 00000000')));
      await peer.closed;
      await bystander.expectUnharmed();
    };
    return { peer, openEcho, finish };
  }

  test('F1 frames that arrive one byte in a message, and many in one', async () => {
    const { peer, openEcho, finish } = await prepare();
    for (const byte of Buffer.concat([HELLO, openEcho(1), frame(Type.data, 1, 'hello')])) peer.send(Buffer.of(byte));
    await peer.frame(Type.data, 1);
    expect(peer.data(1).toString()).toBe('hello');
    await finish();
  });

  test('F2 unknown types that may be skipped', async () => {
    const { peer, finish } = await prepare();
    peer.send(HELLO, frame(0xc0, 0, 'whatever'), frame(0xff, 9, Buffer.alloc(65_535)), frame(0xc9, 1, 'x', 0xff));
    await finish();
  });

  test('F2 a HELLO with fields of a later version', async () => {
    const { peer, finish } = await prepare();
    peer.send(frame(Type.hello, 0, Buffer.concat([HELLO.subarray(8), Buffer.alloc(900, 0xff)])));
    await finish();
  });

  test('F7 OPEN with the last number there is', async () => {
    const { peer, openEcho, finish } = await prepare();
    peer.send(HELLO, openEcho(0xffff_ffff));
    await peer.frame(Type.openOk, 0xffff_ffff);
    await finish();
  });

  test.each([
    ['port 0', '127.0.0.1', 0],
    ['a NUL in the host', 'localhost\0', 80],
    ['a space in the host', 'local host', 80],
    ['a line break in the host', 'localhost\r\nHost: x', 80],
    ['a decimal address', '2130706433', 80],
    ['a hexadecimal address', '0x7f.1', 80],
    ['an address in brackets', '[::1', 80],
    ['bytes beyond ASCII', Buffer.from([0xff, 0xfe]), 80],
  ])('F8 OPEN with %s is refused on its channel', async (_what, host, port) => {
    const { peer, finish } = await prepare();
    peer.send(HELLO, open(1, host, port));
    expect((await peer.frame(Type.openFail, 1)).payload.readUInt16BE()).toBe(Failure.badTarget);
    await finish();
  });

  test('F9 1024 channels, while one more is refused', async () => {
    // However many of them are being dialled.
    const { peer, openEcho, finish } = await prepare({ pendingDials: 2_000, failedDialsBurst: 2_000 });
    const numbers = Array.from({ length: 1_025 }, (_, i) => 2 * i + 1);
    peer.send(HELLO, ...numbers.map(openEcho));
    const last = numbers.at(-1);
    expect((await peer.frame(Type.openFail)).channel).toBe(last);
    expect((await peer.frame(Type.openFail, last)).payload.readUInt16BE()).toBe(Failure.limitReached);
    await peer.frame(Type.openOk, numbers.at(-2));
    await finish();
  });

  test('F12 frames for a channel that was reset a moment ago', async () => {
    const { peer, openEcho, finish } = await prepare();
    peer.send(HELLO, openEcho(1));
    await peer.frame(Type.openOk, 1);
    const reset = frame(Type.reset, 1, hex('000d'));
    peer.send(reset, frame(Type.data, 1, 'late'), frame(Type.window, 1, u64(9)), frame(Type.fin, 1), reset);
    await finish();
  });

  test('F14 a second FIN, and a RESET after both', async () => {
    const { peer, finish } = await prepare();
    const destination = await startAnswerAfterEnd();
    const fin = frame(Type.fin, 1);
    peer.send(HELLO, open(1, '127.0.0.1', destination.port), frame(Type.data, 1, 'question'), fin, fin);
    await peer.frame(Type.fin, 1);
    expect(peer.data(1).toString()).toBe(`${await sha256(Buffer.from('question'))}\n`);
    peer.send(fin, frame(Type.reset, 1, hex('000d')));
    await finish();
  });

  test('F16 a hundred thousand WINDOWs and PINGs', async () => {
    const { peer, openEcho, finish } = await prepare();
    peer.send(HELLO, openEcho(1));
    await peer.frame(Type.openOk, 1);
    const thousand = Buffer.concat(Array.from({ length: 1_000 }, () => [frame(Type.window, 1, u64(0)), PING]).flat());
    for (let i = 0; i < 100; i++) peer.send(thousand);
    await finish();
    // Of the PINGs that came together only the newest is answered: the answers cannot pile up.
    expect(peer.frames.filter(({ type }) => type === Type.pong).length).toBeLessThan(10_000);
  });

  test('F14 a second RESET', async () => {
    const { peer, openEcho, finish } = await prepare();
    const reset = frame(Type.reset, 1, hex('000d'));
    peer.send(HELLO, openEcho(1), reset, reset, reset);
    await finish();
  });

  test('F26 ten thousand channels that are reset as soon as they are opened', async () => {
    const { peer, openEcho, finish } = await prepare();
    peer.send(HELLO);
    for (let n = 0; n < 100; n++) {
      const pairs = Array.from({ length: 100 }, (_, i) => {
        const channel = 2 * (n * 100 + i) + 1;
        return [openEcho(channel), frame(Type.reset, channel, hex('000d'))];
      });
      peer.send(...pairs.flat());
    }
    await finish();
    const answered = new Set(peer.frames.filter(({ type }) => type === Type.openOk).map(({ channel }) => channel));
    // Beyond the burst that a session may have, nothing was dialled.
    expect(answered.size).toBeLessThanOrEqual(1_100);
  });

  test('F22 a RESET with a code of a later version', async () => {
    const { peer, openEcho, finish } = await prepare();
    peer.send(HELLO, openEcho(1), frame(Type.reset, 1, hex('ffff')));
    await finish();
  });
});

test('F25 OPEN after a final GOAWAY is not answered', async () => {
  const { port, echoPort, expectUnharmed } = await startBystander();
  const peer = await RawPeer.connect(port);
  peer.send(HELLO, frame(Type.goAway, 0, hex('03000000 00000000')), open(1, '127.0.0.1', echoPort));
  expect(await peer.closed).toMatchObject({ code: 1000 });
  expect(peer.frames.filter(({ channel }) => channel === 1)).toEqual([]);
  await expectUnharmed();
});
