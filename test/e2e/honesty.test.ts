import { describe, expect, test } from 'vitest';
import { startBreaking, startBreakingAtOnce } from 'wsproxy-test-support/destinations/breaking';
import { startSource } from 'wsproxy-test-support/destinations/source';
import { KeystreamChecker, keystreamBytes } from 'wsproxy-test-support/keystream';
import { run } from 'wsproxy-test-support/programs/program';
import { skipUnlessInstalled } from 'wsproxy-test-support/programs/skip-unless-installed';
import {
  byConnect,
  bySocks5,
  connectTo,
  readBytes,
  readHead,
  readToEnd,
} from 'wsproxy-test-support/sockets/application';
import { listen } from 'wsproxy-test-support/sockets/listen';
import { startTunnel, type TunnelOptions } from 'wsproxy-test-support/tunnel';
import { until } from 'wsproxy-test-support/until';

const SHORT = 1_000;
const LONG = 300_000;

/** What `--bypass` names is dialled by the client itself: here the server would refuse to. */
const WAYS: [string, TunnelOptions][] = [
  ['through the tunnel', {}],
  ['past the tunnel', { client: { bypass: ['127.0.0.0/8'] }, server: { allowPrivate: false } }],
];

describe.each(WAYS)('%s', (_place, options) => {
  const start = () => startTunnel(options);

  describe.each([
    ['SOCKS5', bySocks5],
    ['CONNECT', byConnect],
  ])('over %s', (_name, way) => {
    test.each([SHORT, LONG])('a reset after %d bytes reaches the application after exactly those', async (length) => {
      const [{ port }, destination] = await Promise.all([start(), startBreaking('partial', length)]);
      const socket = await way(port, '127.0.0.1', destination.port);
      const checker = new KeystreamChecker('partial');
      const ending = readToEnd(socket, (chunk) => checker.push(chunk));
      await until('everything that was sent has arrived', () => checker.length === length);
      destination.breakOff();
      expect(await ending).toEqual({ bytes: length, by: 'reset' });
    });

    test('a reset that comes together with the last bytes is a reset, behind those bytes', async () => {
      const [{ port }, destination] = await Promise.all([start(), startBreakingAtOnce('partial', SHORT)]);
      const socket = await way(port, '127.0.0.1', destination.port);
      socket.write('now');
      expect(await readToEnd(socket)).toEqual({ bytes: SHORT, by: 'reset' });
    });

    test('a reset is a reset also for an application that has ended its half', async () => {
      const [{ port }, destination] = await Promise.all([start(), startBreaking('partial', LONG)]);
      const socket = await way(port, '127.0.0.1', destination.port);
      socket.end();
      const checker = new KeystreamChecker('partial');
      const ending = readToEnd(socket, (chunk) => checker.push(chunk));
      await until('everything that was sent has arrived', () => checker.length === LONG);
      destination.breakOff();
      expect(await ending).toEqual({ bytes: LONG, by: 'reset' });
    });

    test('an end is an end, with and without the half of the application', async () => {
      const [{ port }, destination] = await Promise.all([start(), startSource('whole', LONG)]);
      const open = await way(port, '127.0.0.1', destination.port);
      expect(await readToEnd(open)).toEqual({ bytes: LONG, by: 'end' });
      open.end();
      const ended = await way(port, '127.0.0.1', destination.port);
      ended.end();
      expect(await readToEnd(ended)).toEqual({ bytes: LONG, by: 'end' });
    });

    test.each(['reset', 'end'] as const)('the destination sees the %s of the application as what it is', async (by) => {
      const endings: unknown[] = [];
      const [{ port }, destination] = await Promise.all([
        start(),
        listen((socket) => {
          void readToEnd(socket).then((ending) => {
            endings.push(ending);
            socket.end();
          });
        }),
      ]);
      const socket = await way(port, '127.0.0.1', destination.port);
      socket.write(keystreamBytes('up', SHORT));
      await until('the bytes are there', () => [...destination.sockets].some((each) => each.bytesRead === SHORT));
      if (by === 'reset') socket.resetAndDestroy();
      else socket.end();
      await until('the destination has seen it', () => endings.length === 1);
      expect(endings).toEqual([{ bytes: SHORT, by }]);
    });
  });

  describe('over a plain request', () => {
    const UNTIL_CLOSED = 'HTTP/1.1 200 OK\r\n\r\n';
    const WITH_LENGTH = `HTTP/1.1 200 OK\r\nContent-Length: ${2 * LONG}\r\n\r\n`;
    const CHUNKED = `HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n${LONG.toString(16)}\r\n`;

    test.each([
      ['that lasts until the end', UNTIL_CLOSED],
      ['with a length', WITH_LENGTH],
    ])('a reset in a response %s is a reset, behind exactly the bytes that came', async (_framing, head) => {
      const [{ port }, destination] = await Promise.all([start(), startBreaking('partial', LONG, head)]);
      const socket = await connectTo(port);
      const host = `127.0.0.1:${destination.port}`;
      // HTTP/1.0 has no chunks: nothing but the reset can say that a response without a length is not complete.
      socket.write(`GET http://${host}/ HTTP/1.0\r\n\r\n`);
      expect(await readHead(socket)).toMatch(/^HTTP\/1\.1 200 /);
      const first = await readBytes(socket, LONG);
      expect(first.equals(keystreamBytes('partial', LONG))).toBe(true);
      destination.breakOff();
      expect(await readToEnd(socket)).toEqual({ bytes: 0, by: 'reset' });
    });

    describe('curl', () => {
      skipUnlessInstalled('curl');

      test.each([
        ['that lasts until the end', UNTIL_CLOSED],
        ['with a length', WITH_LENGTH],
        ['in chunks', CHUNKED],
      ])('fails when a response %s is cut short', async (_framing, head) => {
        const [{ port }, destination] = await Promise.all([start(), startBreaking('partial', LONG, head)]);
        const url = `http://127.0.0.1:${destination.port}/`;
        const transfer = run('curl', ['-sS', '-x', `http://127.0.0.1:${port}`, '--output', '/dev/null', url]);
        await until('the destination was asked', () => [...destination.sockets].some((each) => each.bytesRead > 0));
        destination.breakOff();
        const { code, stderr } = await transfer;
        expect(code, stderr).not.toBe(0);
      });
    });
  });
});
