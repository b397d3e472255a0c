import { expect, test } from 'vitest';
import { startClient } from 'wsproxy-test-support/tunnel';
import { until } from 'wsproxy-test-support/until';
import { fromServer, startFakeServer } from 'wsproxy-test-support/wire/fake-server';
import { frame, hello, hex, key, open, Type, u64 } from 'wsproxy-test-support/wire/hand-written-frames';
import { closeFrame, Opcode, type RawWebSocket, webSocketFrame } from 'wsproxy-test-support/wire/raw-websocket';

const { binary, continuation, ping, text } = Opcode;
const plain = { masked: false };
const TOO_LONG = 262_145n;

/** What a server does wrong, and the code that the client closes with. */
const cases: [title: string, bytes: Buffer, code: number][] = [
  ['E5 a text message', webSocketFrame(text, 'hello', plain), 1003],
  ['E6 a masked frame', webSocketFrame(binary, 'x'), 1002],
  ['E8 opcode 3', webSocketFrame(3, '', plain), 1002],
  ['E9 a continuation of nothing', webSocketFrame(continuation, 'x', plain), 1002],
  ['E10 a message that is too long', webSocketFrame(binary, '', { ...plain, declaredLength: TOO_LONG }), 1009],
  ['E10 a message of 2^62 bytes', webSocketFrame(binary, '', { ...plain, declaredLength: 2n ** 62n }), 1009],
  ['E13 a ping of 126 bytes', webSocketFrame(ping, Buffer.alloc(126), plain), 1002],
  ['E18 a compressed message', webSocketFrame(binary, 'x', { ...plain, rsv1: true }), 1002],
  ['F2 an unknown type', fromServer(hex('07 00 0000 00000001')), 4003],
  ['F4 a second HELLO', fromServer(hello(key(1))), 4003],
  ['F6 OPEN: only clients open channels', fromServer(open(2, 'localhost', 80)), 4003],
  ['F11 DATA on a channel that was never opened', fromServer(frame(Type.data, 1, 'x')), 4003],
  ['F13 an ACK for what was never sent', fromServer(frame(Type.ack, 0, u64(1))), 4003],
];

/** The first connection gets what the test is about; those that follow are served by a server that does nothing wrong. */
async function startOnce(misbehave: (webSocket: RawWebSocket) => void) {
  const connections: RawWebSocket[] = [];
  const server = await startFakeServer((webSocket) => {
    connections.push(webSocket);
    if (connections.length === 1) misbehave(webSocket);
  });
  const { client } = await startClient(server.port);
  await until('the client has connected', () => connections.length > 0);
  return {
    first: connections[0] as RawWebSocket,
    untilBack: () => until('the client is back', () => connections.length === 2 && client.state === 'online'),
  };
}

test.each(cases)('%s is answered by closing, and by a new connection', async (_title, bytes, code) => {
  const { first, untilBack } = await startOnce((webSocket) => webSocket.send(bytes));
  expect(await first.closeCode()).toBe(code);
  first.socket.destroy();
  await untilBack();
});

test.each([1000, 1001, 1012, 4003, 4004, 4005, 4006, 4321])(
  'E16 a server that closes with %d is connected to again',
  async (code) => {
    const { first, untilBack } = await startOnce((webSocket) => webSocket.send(closeFrame(code, '', plain)));
    expect(await first.closeCode()).toBe(code);
    first.socket.destroy();
    await untilBack();
  },
);

test.each(['end', 'reset'] as const)('E21 a connection that just ends (%s) is made again', async (by) => {
  const { untilBack } = await startOnce(({ socket }) => {
    if (by === 'end') socket.end();
    else socket.resetAndDestroy();
  });
  await untilBack();
});
