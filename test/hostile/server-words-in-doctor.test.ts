import { expect, test } from 'vitest';
import { runCommand } from 'wsproxy-test-support/programs/command-line';
import { fromServer, startFakeServer } from 'wsproxy-test-support/wire/fake-server';
import { frame, hex, Type } from 'wsproxy-test-support/wire/hand-written-frames';
import { closeFrame, type RawWebSocket } from 'wsproxy-test-support/wire/raw-websocket';

const HEADER = 8;
/** C1, bidirectional, invisible, line separators. */
const EVIL = 'a\u009b31m\u202eb\u200bc\u2028d\u3164';
const UNSAFE = /(?!\n)[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{DI}]/u;

const DENIED = hex('0002');
const OPENED = frame(Type.openOk, 0, hex('0004 0000')).subarray(HEADER);

/** Refuses every channel but one to measure with; gives nothing there, and does `misbehave` when it is to take bytes. */
async function serve(webSocket: RawWebSocket, misbehave: (channel: number) => Buffer): Promise<void> {
  const seen = new Set<number>();
  let rest = Buffer.alloc(0);
  for (;;) {
    const { payload } = await webSocket.next();
    rest = Buffer.concat([rest, payload]);
    while (rest.length >= HEADER && rest.length >= HEADER + rest.readUInt16BE(2)) {
      const [type, length, channel] = [rest[0], rest.readUInt16BE(2), rest.readUInt32BE(4)];
      const body = rest.subarray(HEADER, HEADER + length);
      rest = rest.subarray(HEADER + length);
      if (type === Type.ping) webSocket.send(fromServer(frame(Type.pong, 0, body)));
      if (type === Type.data && !seen.has(channel)) {
        seen.add(channel);
        const isUpload = body.readBigUInt64BE(0) === 0n;
        webSocket.send(fromServer(isUpload ? misbehave(channel) : frame(Type.fin, channel)));
      }
      if (type !== Type.open) continue;
      const isMeasuring = body.subarray(6).toString('latin1').includes('throughput');
      const answer = isMeasuring ? frame(Type.openOk, channel, OPENED) : frame(Type.openFail, channel, DENIED);
      webSocket.send(fromServer(answer));
    }
  }
}

test.each([
  ['resets it', (channel: number) => frame(Type.reset, channel, hex('000c')), /connection reset/i],
  [
    'sends more than was asked for',
    (channel: number) => frame(Type.data, channel, 'x'),
    /sends more than it was asked for/,
  ],
])('doctor ends in a finding when the server, measured, %s', async (_what, misbehave, line) => {
  const { port } = await startFakeServer((webSocket) => void serve(webSocket, misbehave).catch(() => {}));
  const { code, stdout, stderr } = await runCommand('wsproxy-client', ['doctor', `ws://127.0.0.1:${port}/`], {
    timeout: 30_000,
  });
  expect(stdout).toMatch(new RegExp(`^✗ throughput .*${line.source}`, 'mi'));
  expect({ code, stderr }).toEqual({ code: 1, stderr: '' });
});

test('doctor prints what a server says without what moves, hides or reorders text', async () => {
  const { port } = await startFakeServer((webSocket) => {
    webSocket.send(closeFrame(4321, EVIL, { masked: false }));
  });
  for (const format of [[], ['--json']]) {
    const { stdout, stderr } = await runCommand('wsproxy-client', ['doctor', `ws://127.0.0.1:${port}/`, ...format]);
    expect(stdout).toContain('a\\u009b31m\\u202eb\\u200bc\\u2028d\\u3164');
    expect(stdout + stderr).not.toMatch(UNSAFE);
    if (format.length > 0) expect(JSON.stringify(JSON.parse(stdout))).toContain(EVIL);
  }
});
