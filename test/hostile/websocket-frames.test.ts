import { expect, test } from 'vitest';
import { until } from 'wsproxy-test-support/until';
import { hello, key, open } from 'wsproxy-test-support/wire/hand-written-frames';
import {
  closeFrame,
  Opcode,
  openRawWebSocket,
  type RawWebSocket,
  webSocketFrame,
} from 'wsproxy-test-support/wire/raw-websocket';
import { type Bystander, startBystander } from './bystander.js';

const { binary, close, continuation, ping, text } = Opcode;
/** The largest message that a server takes (PROTOCOL.md, "Limits"). */
const MAX_MESSAGE = 262_144;
const HALF = Buffer.alloc(MAX_MESSAGE / 2 + 1);

const cases: { title: string; frames: Buffer[]; code: number }[] = [
  { title: 'E5 a text message', frames: [webSocketFrame(text, 'hello')], code: 1003 },
  { title: 'E6 a frame without a mask', frames: [webSocketFrame(binary, 'x', { masked: false })], code: 1002 },
  ...[3, 4, 5, 6, 7, 11, 12, 13, 14, 15].map((opcode) => ({
    title: `E8 opcode ${opcode}`,
    frames: [webSocketFrame(opcode)],
    code: 1002,
  })),
  { title: 'E9 a continuation of nothing', frames: [webSocketFrame(continuation, 'x')], code: 1002 },
  {
    title: 'E9 a new message inside a fragmented one',
    frames: [webSocketFrame(binary, '', { fin: false }), webSocketFrame(binary)],
    code: 1002,
  },
  {
    title: 'E10 a message that says it is one byte too long',
    frames: [webSocketFrame(binary, '', { declaredLength: BigInt(MAX_MESSAGE + 1) })],
    code: 1009,
  },
  {
    title: 'E10 a message that says it has 2^62 bytes',
    frames: [webSocketFrame(binary, '', { declaredLength: 2n ** 62n })],
    code: 1009,
  },
  {
    title: 'E11 fragments that together are too long',
    frames: [webSocketFrame(binary, HALF, { fin: false }), webSocketFrame(continuation, HALF, { fin: false })],
    code: 1009,
  },
  { title: 'E13 a ping of 126 bytes', frames: [webSocketFrame(ping, Buffer.alloc(126))], code: 1002 },
  { title: 'E13 a fragmented ping', frames: [webSocketFrame(ping, 'x', { fin: false })], code: 1002 },
  { title: 'E15 close code 999', frames: [closeFrame(999)], code: 1002 },
  { title: 'E15 close code 1005', frames: [closeFrame(1005)], code: 1002 },
  { title: 'E15 close code 1006', frames: [closeFrame(1006)], code: 1002 },
  {
    // Not decoded, so not judged: of a close frame only the code counts.
    title: 'E15 a close reason that is not UTF-8',
    frames: [webSocketFrame(close, Buffer.from('03e8ff', 'hex'))],
    code: 1000,
  },
  { title: 'E15 close code 5000', frames: [closeFrame(5000)], code: 1002 },
  { title: 'E15 a close frame of one byte', frames: [webSocketFrame(close, 'x')], code: 1002 },
  { title: 'E16 close code 4321', frames: [closeFrame(4321)], code: 4321 },
  { title: 'E18 a compressed message', frames: [webSocketFrame(binary, 'x', { rsv1: true })], code: 1002 },
];

for (const { title, frames, code } of cases) {
  test.each([
    ['before HELLO', Buffer.alloc(0)],
    ['in a session', webSocketFrame(binary, hello(key(1)))],
  ])(`${title} is answered with close code ${code} %s`, async (_moment, prefix) => {
    const { port, expectUnharmed } = await startBystander();
    const peer = await openRawWebSocket(port);
    peer.send(Buffer.concat([prefix, ...frames]));
    expect(await peer.closeCode()).toBe(code);
    peer.socket.destroy();
    await expectUnharmed();
  });
}

async function beginSession({ port, server }: Bystander): Promise<RawWebSocket> {
  const peer = await openRawWebSocket(port);
  peer.send(webSocketFrame(binary, hello(key(1))));
  await until('the session has begun', () => server.sessionCount === 2);
  return peer;
}

test('E16 a close code of the application only detaches the session', async () => {
  const bystander = await startBystander({ grace: 500 });
  const peer = await beginSession(bystander);
  peer.send(closeFrame(4321));
  expect(await peer.closeCode()).toBe(4321);
  await peer.ended();
  expect(bystander.server.sessionCount).toBe(2);
  await bystander.expectUnharmed();
});

test('E19 what follows a close frame is ignored', async () => {
  const bystander = await startBystander();
  const peer = await beginSession(bystander);
  const late = open(1, '127.0.0.1', bystander.echoPort);
  peer.send(Buffer.concat([closeFrame(1000), webSocketFrame(binary, late)]));
  expect(await peer.closeCode()).toBe(1000);
  await peer.ended();
  expect(bystander.server.channelCount).toBe(1);
  await bystander.expectUnharmed();
});

test('E20 a peer that does not answer a close frame is cut off after 3 s', async () => {
  const bystander = await startBystander();
  const peer = await beginSession(bystander);
  peer.send(webSocketFrame(text, 'hello'));
  expect(await peer.closeCode()).toBe(1003);
  const start = performance.now();
  await peer.ended();
  const waited = performance.now() - start;
  expect(waited).toBeGreaterThan(2_000);
  expect(waited).toBeLessThan(5_000);
  await bystander.expectUnharmed();
});

test.each(['end', 'reset'] as const)('E21 a connection that just ends (%s) detaches its session', async (by) => {
  const bystander = await startBystander({ grace: 500 });
  const peer = await beginSession(bystander);
  if (by === 'reset') peer.socket.resetAndDestroy();
  else peer.socket.end();
  await peer.ended();
  expect(bystander.server.sessionCount).toBe(2);
  await bystander.expectUnharmed();
});
