import { connect, type Socket } from 'node:net';
import { expect, test } from 'vitest';
import { startSource } from 'wsproxy-test-support/destinations/source';
import { KeystreamChecker } from 'wsproxy-test-support/keystream';
import { bySocks5, readHead, readToEnd } from 'wsproxy-test-support/sockets/application';
import { listen } from 'wsproxy-test-support/sockets/listen';
import { startTunnel } from 'wsproxy-test-support/tunnel';

const LENGTH = 4_000_000;
/** Messages of the server that are passed on before the first large one is cut. */
const BEFORE = 20;
const LARGE = 4_000;
/** A close frame with code 1001, which Caddy writes when it reloads, no matter where it is. */
const CLOSING = Buffer.of(0x88, 0x02, 0x03, 0xe9);

/** How long the first message in `bytes` is, with its header (RFC 6455 section 5.2, without mask), if it is whole. */
function firstMessage(bytes: Buffer): number | undefined {
  if (bytes.length < 10) return undefined;
  const short = (bytes[1] ?? 0) & 0x7f;
  const length =
    short === 127 ? 10 + Number(bytes.readBigUInt64BE(2)) : short === 126 ? 4 + bytes.readUInt16BE(2) : 2 + short;
  return bytes.length < length ? undefined : length;
}

/** Passes on what the server says, message by message, until `cut` has one for itself. */
async function passOn(near: Socket, far: Socket, cut: (message: Buffer, count: number) => boolean): Promise<void> {
  near.write(await readHead(far));
  let bytes: Buffer = Buffer.alloc(0);
  let count = 0;
  far.on('data', (chunk: Buffer) => {
    bytes = Buffer.concat([bytes, chunk]);
    for (let length = firstMessage(bytes); length !== undefined; length = firstMessage(bytes)) {
      const message = bytes.subarray(0, length);
      bytes = bytes.subarray(length);
      count += 1;
      if (cut(message, count)) {
        far.destroy();
        return;
      }
      near.write(message);
    }
  });
  near.on('close', () => far.destroy());
  far.on('close', () => {
    near.end();
    near.resume();
  });
  far.resume();
}

test.each([1, 2, 3, 4])(
  'a close frame in place of the last %d bytes of a message is not taken for them',
  async (missing) => {
    let cuts = 0;
    const source = await startSource('closing', LENGTH);
    const tunnel = await startTunnel({
      through: async (to) => {
        const relay = await listen((near) => {
          const far = connect({ port: to, host: '127.0.0.1', allowHalfOpen: true });
          far.on('error', () => {});
          near.pipe(far);
          const cut = (message: Buffer, count: number): boolean => {
            if (cuts > 0 || count < BEFORE || message.length < LARGE) return false;
            cuts += 1;
            near.write(message.subarray(0, -missing));
            near.end(CLOSING);
            return true;
          };
          passOn(near, far, cut).catch(() => near.destroy());
        });
        return relay.port;
      },
    });
    const socket = await bySocks5(tunnel.port, '127.0.0.1', source.port);
    const checker = new KeystreamChecker('closing');
    expect(await readToEnd(socket, (chunk) => checker.push(chunk))).toEqual({ bytes: LENGTH, by: 'end' });
    socket.end();
    expect(cuts).toBe(1);
  },
);
