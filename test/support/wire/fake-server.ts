import { createHash } from 'node:crypto';
import type { Socket } from 'node:net';
import { readHead } from '../sockets/application.js';
import { type Listener, listen } from '../sockets/listen.js';
import { hello, resume, Type } from './hand-written-frames.js';
import { Opcode, RawWebSocket, webSocketFrame } from './raw-websocket.js';

/** RFC 6455 section 1.3. */
const GUID = '258EAFA5-E914-47DA-95CA-C5AB0DC85B11';
/** The answer of a right server to the upgrade request with this head. */
export function upgradeAnswer(requestHead: string): string {
  const key = /sec-websocket-key: *(\S+)/i.exec(requestHead)?.[1] ?? '';
  const accept = createHash('sha1')
    .update(key + GUID)
    .digest('base64');
  const fields = ['Upgrade: websocket', 'Connection: Upgrade', 'Sec-WebSocket-Protocol: wsproxy.v1'];
  return `HTTP/1.1 101 Switching Protocols\r\n${fields.join('\r\n')}\r\nSec-WebSocket-Accept: ${accept}\r\n\r\n`;
}

/**
 * A server that upgrades and greets as it should, having processed nothing; then the test has the connection. `capabilities`:
 * those that it tells it has; by default it is one that knows of none.
 */
export function startFakeServer(
  onGreeted: (webSocket: RawWebSocket) => void,
  capabilities?: number,
): Promise<Listener> {
  return listen((socket) => {
    // A client that goes before it was greeted is no matter.
    void greet(socket, capabilities).then(onGreeted, () => socket.destroy());
  });
}

async function greet(socket: Socket, capabilities: number | undefined): Promise<RawWebSocket> {
  socket.write(upgradeAnswer(await readHead(socket)));
  const webSocket = new RawWebSocket(socket);
  const { payload } = await webSocket.next();
  // HELLO or RESUME comes first, and with it the id that the answer repeats.
  const key = { id: payload.subarray(12, 28), secret: Buffer.alloc(32) };
  const answer = payload[0] === Type.hello ? hello(key, 1, capabilities) : resume(key, 0, 0);
  return webSocket.send(fromServer(answer));
}

/** Frames of the protocol in a message as a server sends it: not masked. */
export function fromServer(...frames: readonly Buffer[]): Buffer {
  return webSocketFrame(Opcode.binary, Buffer.concat(frames), { masked: false });
}
