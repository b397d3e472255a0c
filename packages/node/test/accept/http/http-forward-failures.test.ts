import type { Socket } from 'node:net';
import { describe, expect, it } from 'vitest';
import { FAILURES, type FailureCode } from 'wsproxy-engine';
import { keepWaiting, refuseWith } from 'wsproxy-test-support/test-tunnel';
import { GET, message, URI, useForwarding } from '../forward-fixture.js';

const forwarding = useForwarding();
/** Of a response, and of all interim ones before it, bytes. */
const MAX_RESPONSE_HEAD = 256 * 1024;

/** How a connection ends at the destination. */
function closing(socket: Socket | undefined): Promise<'closed' | 'reset'> {
  return new Promise((resolve) => {
    socket?.once('error', () => resolve('reset'));
    socket?.once('end', () => resolve(socket.remoteAddress === undefined ? 'reset' : 'closed'));
  });
}

describe('a failure', () => {
  it.each(Object.keys(FAILURES) as FailureCode[])(
    'to open, by %s, is told by status and Proxy-Status',
    async (code) => {
      forwarding.port.tunnel.farEnd = refuseWith(code);
      const { text, end } = await (await forwarding.port.send(GET)).closed();
      const failure = FAILURES[code];
      expect(text).toMatch(new RegExp(`^HTTP/1\\.1 ${failure.http} `));
      expect(text.split('\r\n\r\n')[1]).toMatch(/^wsproxy-(client|server): example\.org:8080: /);
      expect(text.endsWith(`: ${failure.text}\n`)).toBe(true);
      expect(text).toContain(`\r\nProxy-Status: wsproxy; error=${failure.proxyStatus}\r\n`);
      expect(end).toBe('closed');
    },
  );

  it('reaches an application in the middle of its upload', async () => {
    forwarding.port.tunnel.farEnd = refuseWith('DENIED');
    const head = message(`POST ${URI} HTTP/1.1`, 'Host: a', `Content-Length: ${1 << 24}`);
    const { text, end } = await (await forwarding.port.send(head + 'x'.repeat(1 << 24))).closed();
    expect(text).toMatch(/^HTTP\/1\.1 403 /);
    expect(end).toBe('closed');
  });

  it('of HEAD has no content', async () => {
    forwarding.port.tunnel.farEnd = refuseWith('DENIED');
    const { text } = await (await forwarding.port.send(message(`HEAD ${URI} HTTP/1.1`, 'Host: a'))).closed();
    expect(text).toMatch(/^HTTP\/1\.1 403 [^]*\r\n\r\n$/);
  });

  it.each([
    ['closes without a response', (socket: Socket) => socket.end(), 'http_response_incomplete'],
    ['closes within the head', (socket: Socket) => socket.end('HTTP/1.1 200 OK\r\nX'), 'http_response_incomplete'],
    ['resets', (socket: Socket) => socket.resetAndDestroy(), 'connection_terminated'],
    ['speaks something else', (socket: Socket) => socket.end('SSH-2.0-OpenSSH\r\n'), 'http_protocol_error'],
    [
      'switches protocols unasked',
      (socket: Socket) => socket.end('HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: x\r\n\r\n'),
      'http_protocol_error',
    ],
    [
      'switches to nothing',
      (socket: Socket) => socket.end('HTTP/1.1 101 Switching Protocols\r\n\r\n'),
      'http_protocol_error',
    ],
    [
      'sends a head without end',
      (socket: Socket) => socket.end(`HTTP/1.1 200 OK\r\nX: ${'x'.repeat(MAX_RESPONSE_HEAD)}\r\n\r\n`),
      'http_protocol_error',
    ],
  ])('of a destination that %s is told as 502', async (_title, answer, proxyStatus) => {
    await forwarding.answering(answer);
    const { text, end } = await (await forwarding.port.send(GET)).closed();
    expect(text).toMatch(/^HTTP\/1\.1 502 Bad Gateway\r\n/);
    expect(text).toContain(`\r\nProxy-Status: wsproxy; error=${proxyStatus}\r\n`);
    expect(end).toBe('closed');
  });

  const partial = {
    length: 'HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\npartial',
    chunks: 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n7\r\npartial\r\n',
    close: 'HTTP/1.1 200 OK\r\n\r\npartial',
  };
  const reset = (bytes: string) => (socket: Socket) => socket.write(bytes, () => socket.resetAndDestroy());
  it.each([
    ['a length, by an end', partial.length, (socket: Socket) => socket.end(partial.length)],
    ['a length, by a reset', partial.length, reset(partial.length)],
    ['chunks, by an end', partial.chunks, (socket: Socket) => socket.end(partial.chunks)],
    ['chunks, by a reset', partial.chunks, reset(partial.chunks)],
    ['the end of the connection, by a reset', partial.close, reset(partial.close)],
  ])('that cuts a response delimited by %s reaches the application as a reset', async (_title, _bytes, answer) => {
    await forwarding.answering(answer);
    for (const version of ['HTTP/1.0', 'HTTP/1.1']) {
      const { text, end } = await (await forwarding.port.send(message(`GET ${URI} ${version}`, 'Host: a'))).closed();
      expect(text).toContain('partial');
      expect(text.endsWith('0\r\n\r\n')).toBe(false);
      expect(end).toBe('reset');
    }
  });

  it('of the session in the middle of a response is a reset', async () => {
    await forwarding.answering((socket) => socket.write(partial.close));
    const application = await forwarding.port.send(GET);
    await application.until((text) => text.includes('partial'));
    forwarding.port.tunnel.close();
    expect((await application.closed()).end).toBe('reset');
  });
});

describe('interim responses without an end', () => {
  /** Says `piece` for as long as it is listened to. */
  const endless = (piece: string) => (socket: Socket) => {
    let said = 0;
    const write = (): void => {
      for (let more = true; more && !socket.destroyed; said += piece.length) more = socket.write(piece);
    };
    socket.on('drain', write);
    write();
    return new Promise<number>((resolve) => socket.once('close', () => resolve(said)));
  };

  /** The space behind a status is never left out: at most one more byte for each head. */
  const WRITTEN_OUT = 17 / 16;

  it.each([
    ['with fields', `HTTP/1.1 103 Early Hints\r\nLink: ${'a'.repeat(200)}\r\n\r\n`],
    ['without', 'HTTP/1.1 102\r\n\r\n'],
    ['with a reason', `HTTP/1.1 150 ${'a'.repeat(200)}\r\n\r\n`],
    ['that do not travel on', `HTTP/1.1 103 E\r\nConnection: x\r\nX: ${'a'.repeat(200)}\r\n\r\n`],
  ])('%s are ended as a malformed response', async (_what, piece) => {
    let said: Promise<number> = Promise.resolve(0);
    await forwarding.answering((socket) => {
      said = endless(piece.repeat(16))(socket);
    });
    for (const version of ['HTTP/1.0', 'HTTP/1.1']) {
      const { text } = await (await forwarding.port.send(message(`GET ${URI} ${version}`, 'Host: a'))).closed();
      const [final = ''] = /HTTP\/1\.1 [2-5][^]*$/.exec(text) ?? [];
      expect(final).toMatch(/^HTTP\/1\.1 502 [^]*error=http_protocol_error/);
      expect(text.length - final.length).toBeLessThanOrEqual(
        version === 'HTTP/1.0' ? 0 : MAX_RESPONSE_HEAD * WRITTEN_OUT,
      );
      await said;
    }
    await expect.poll(() => forwarding.port.tunnel.channelCount).toBe(0);
  });
});

describe('an application that goes away', () => {
  it('while the target is dialled cancels the channel', async () => {
    forwarding.port.tunnel.farEnd = keepWaiting;
    const application = await forwarding.port.send(GET);
    await expect.poll(() => forwarding.port.tunnel.channelCount).toBe(2);
    application.socket.resetAndDestroy();
    await expect.poll(() => forwarding.port.tunnel.channelCount).toBe(0);
  });

  it('in the middle of its upload resets the destination', async () => {
    const { sockets } = await forwarding.answering(() => {});
    const application = await forwarding.port.send(
      `${message(`POST ${URI} HTTP/1.1`, 'Host: a', 'Content-Length: 100')}part`,
    );
    await expect.poll(() => sockets.length).toBe(1);
    const closed = closing(sockets[0]);
    application.socket.end();
    expect(await closed).toBe('reset');
  });

  it('in the middle of a download resets the destination', async () => {
    const { sockets } = await forwarding.answering((socket) => {
      socket.write('HTTP/1.1 200 OK\r\n\r\n');
      const fill = (): void => void socket.write(Buffer.alloc(65_536), (error) => error ?? fill());
      fill();
    });
    const application = await forwarding.port.send(GET);
    await application.untilBytes(1_000_000);
    const closed = closing(sockets[0]);
    application.socket.destroy();
    expect(await closed).toBe('reset');
  });

  it('that breaks the framing of its content is told so, and its request is cut', async () => {
    const { sockets } = await forwarding.answering(() => {});
    const head = message(`POST ${URI} HTTP/1.1`, 'Host: a', 'Transfer-Encoding: chunked');
    const application = await forwarding.port.send(`${head}5\r\nhello\r\n`);
    await expect.poll(() => sockets.length).toBe(1);
    const closed = closing(sockets[0]);
    application.send('not a chunk\r\n');
    const { text, end } = await application.closed();
    expect(text).toMatch(
      /^HTTP\/1\.1 400 [^]*\r\n\r\nwsproxy-client: example\.org:8080: the content of the request is malformed: the size of a chunk is not a number\n$/,
    );
    expect([end, await closed]).toEqual(['closed', 'reset']);
    await expect.poll(() => forwarding.port.tunnel.channelCount).toBe(0);
  });

  it('from its request to a CONNECT behind it gets its response alone', async () => {
    const { sockets, heads } = await forwarding.answering(() => {});
    const application = await forwarding.port.send(GET);
    await expect.poll(() => heads.length).toBe(1);
    application.send(message('CONNECT 10.0.0.1:22 HTTP/1.1', 'Host: a'));
    sockets[0]?.write('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok');
    const { text, end } = await application.closed();
    expect([text.match(/HTTP\/1\.1 /g)?.length, text.slice(-2), end]).toEqual([1, 'ok', 'closed']);
    expect(forwarding.port.tunnel.opened).toEqual(['example.org:8080']);
  });
});
