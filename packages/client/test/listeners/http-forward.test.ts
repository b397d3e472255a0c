import { once } from 'node:events';
import type { Socket } from 'node:net';
import { describe, expect, it } from 'vitest';
import { FAILURES, type FailureCode } from 'wsproxy-protocol';
import { readUntil, useDestinations } from './destination.js';
import { usePort } from './port-fixture.js';
import { dial, keepWaiting, refuseWith } from './test-tunnel.js';

const fixture = usePort();
const destinations = useDestinations();
const URI = 'http://example.org:8080/path?query';
const GET = message(`GET ${URI} HTTP/1.1`, 'Host: example.org:8080');

function message(startLine: string, ...headers: string[]): string {
  return [startLine, ...headers, '', ''].join('\r\n');
}

/** A destination that acts once it has read the head of a request; the heads are kept. */
async function answering(answer: (socket: Socket) => void): Promise<{ heads: string[]; sockets: Socket[] }> {
  const heads: string[] = [];
  const { port, sockets } = await destinations.raw((socket) => {
    void readUntil(socket, /\r\n\r\n/).then((head) => {
      heads.push(head);
      socket.resume();
      answer(socket);
    });
  });
  fixture.tunnel.farEnd = dial(port);
  return { heads, sockets };
}

describe('the request', () => {
  it('goes out in origin form, with the Host of its target and without hop-by-hop headers', async () => {
    const { heads } = await answering((socket) => socket.end('HTTP/1.1 204 No Content\r\n\r\n'));
    const request = message(
      `GET ${URI} HTTP/1.1`,
      'Host: other.example',
      'X-Dup: 1',
      'Connection: keep-alive, X-Hop',
      'Keep-Alive: timeout=5',
      'x-dup: 2',
      'X-Hop: 1',
      'Proxy-Connection: keep-alive',
      'Proxy-Authorization: Basic eDp5',
      'TE: trailers',
      'Upgrade: h2c',
      'Origin: http://page.example',
      'X-Latin: caf\u00e9',
    );
    await (await fixture.send(request)).closed();
    expect(heads).toEqual([
      message(
        'GET /path?query HTTP/1.1',
        'Host: example.org:8080',
        'X-Dup: 1',
        'x-dup: 2',
        'Origin: http://page.example',
        'X-Latin: caf\u00e9',
        'Connection: close',
      ),
    ]);
    expect(fixture.tunnel.opened).toEqual(['example.org:8080']);
  });

  it.each([
    ['GET http://example.org HTTP/1.1', 'GET / HTTP/1.1', 'Host: example.org', 'example.org:80'],
    ['GET http://[::1]:81?q HTTP/1.1', 'GET /?q HTTP/1.1', 'Host: [::1]:81', '[::1]:81'],
    ['OPTIONS http://example.org HTTP/1.1', 'OPTIONS * HTTP/1.1', 'Host: example.org', 'example.org:80'],
    ['PROPFIND HTTP://A.example/%7E/../x HTTP/1.0', 'PROPFIND /%7E/../x HTTP/1.1', 'Host: A.example', 'a.example:80'],
  ])('%s becomes %s', async (line, sent, host, target) => {
    const { heads } = await answering((socket) => socket.end('HTTP/1.1 204 No Content\r\n\r\n'));
    await (await fixture.send(message(line, 'Host: x'))).closed();
    expect(heads[0]?.split('\r\n').slice(0, 2)).toEqual([sent, host]);
    expect(fixture.tunnel.opened).toEqual([target]);
  });

  it.each([
    ['GET without content', 'GET', [], '', []],
    ['POST without content', 'POST', [], '', ['Content-Length: 0']],
    ['POST with a length', 'POST', ['Content-Length: 5'], 'hello', ['Content-Length: 5']],
    ['DELETE with a length', 'DELETE', ['Content-Length: 5'], 'hello', ['Content-Length: 5']],
    ['GET in chunks', 'GET', ['Transfer-Encoding: chunked'], '5\r\nhello\r\n0\r\n\r\n', ['Transfer-Encoding: chunked']],
    ['a length named in Connection', 'GET', ['Connection: content-length', 'Content-Length: 5'], 'hello', ['Content-Length: 5']],
  ])('keeps the framing of %s', async (_title, method, headers, content, framing) => {
    const { heads } = await answering((socket) => socket.end('HTTP/1.1 204 No Content\r\n\r\n'));
    await (await fixture.send(message(`${method} ${URI} HTTP/1.1`, 'Host: a', ...headers) + content)).closed();
    expect(heads[0]?.split('\r\n\r\n')[0]?.split('\r\n').slice(2)).toEqual([...framing, 'Connection: close']);
  });

  it('is the only one of its connection', async () => {
    const { heads } = await answering((socket) => {
      socket.end('HTTP/1.1 200 OK\r\nConnection: keep-alive\r\nContent-Length: 2\r\n\r\nok');
    });
    const application = await fixture.send(GET + GET + GET);
    const { text, end } = await application.closed();
    expect(text).toBe('HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok');
    expect(end).toBe('closed');
    expect(heads).toHaveLength(1);
  });

  it('is taken with any byte that a header may hold', async () => {
    const { heads } = await answering((socket) => socket.end('HTTP/1.1 204 No Content\r\n\r\n'));
    for (let byte = 0; byte <= 0xff; byte += 1) {
      const character = String.fromCharCode(byte);
      const request = message(`GET ${URI} HTTP/1.1`, 'Host: a', `X-${character}: x`, `Y: a${character}b`);
      const { text } = await (await fixture.send(request)).closed();
      expect(text).toMatch(/^HTTP\/1\.1 (204|400) /);
    }
    expect(heads.length).toBeGreaterThan(50);
  });
});

describe('the response', () => {
  it('comes back with its headers as they were, but for the next hop', async () => {
    await answering((socket) => {
      socket.end(
        message(
          'HTTP/1.0 299 Some Thing \u00e9',
          'Set-Cookie: a=1',
          'set-cookie: b=2',
          'Connection: X-Hop',
          'X-Hop: 1',
          'Keep-Alive: timeout=5',
          'Proxy-Authenticate: Basic',
          'Content-Length: 2',
          'Trailer: X-Sum',
          'Date: yesterday',
        ) + 'ok',
      );
    });
    const { text } = await (await fixture.send(GET)).closed();
    expect(text).toBe(
      message(
        'HTTP/1.1 299 Some Thing \u00e9',
        'Set-Cookie: a=1',
        'set-cookie: b=2',
        'Date: yesterday',
        'Content-Length: 2',
        'Connection: close',
      ) + 'ok',
    );
  });

  it('in chunks stays in chunks, without its trailers', async () => {
    await answering((socket) => {
      socket.end('HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\nX-Sum: 1\r\n\r\n');
    });
    const { text } = await (await fixture.send(GET)).closed();
    expect(text).toBe('HTTP/1.1 200 OK\r\nConnection: close\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n');
  });

  it('in chunks reaches an HTTP/1.0 application without them', async () => {
    await answering((socket) => {
      socket.end('HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n');
    });
    const { text, end } = await (await fixture.send(message(`GET ${URI} HTTP/1.0`))).closed();
    expect(text).toBe('HTTP/1.1 200 OK\r\nConnection: close\r\n\r\nhello');
    expect(end).toBe('closed');
  });

  it('that the end of the connection delimits is complete at a clean end', async () => {
    await answering((socket) => socket.end('HTTP/1.0 200 OK\r\n\r\nhello'));
    const { text, end } = await (await fixture.send(message(`GET ${URI} HTTP/1.0`))).closed();
    expect(text).toBe('HTTP/1.1 200 OK\r\nConnection: close\r\n\r\nhello');
    expect(end).toBe('closed');
  });

  it.each([
    ['HEAD', 'HEAD', 'HTTP/1.1 200 OK\r\nContent-Length: 1000', 'Content-Length: 1000'],
    ['HEAD of something in chunks', 'HEAD', 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked', undefined],
    ['204', 'GET', 'HTTP/1.1 204 No Content', undefined],
    ['304', 'GET', 'HTTP/1.1 304 Not Modified\r\nContent-Length: 1000', 'Content-Length: 1000'],
  ])('to %s has no content', async (_title, method, head, length) => {
    await answering((socket) => socket.write(`${head}\r\n\r\n`));
    const { text, end } = await (await fixture.send(message(`${method} ${URI} HTTP/1.1`, 'Host: a'))).closed();
    const lines = [head.split('\r\n')[0], ...(length === undefined ? [] : [length]), 'Connection: close', '', ''];
    expect(text).toBe(lines.join('\r\n'));
    expect(end).toBe('closed');
  });

  it('starts as soon as its head is there', async () => {
    await answering((socket) => socket.write('HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n'));
    const application = await fixture.send(GET);
    expect(await application.until((text) => text.endsWith('\r\n\r\n'))).toMatch(/^HTTP\/1\.1 200 OK/);
  });

  it('is waited for when the application has ended its half, which the destination learns', async () => {
    const { port } = await destinations.raw((socket) => {
      socket.resume();
      socket.once('end', () => socket.end('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok'));
    });
    fixture.tunnel.farEnd = dial(port);
    const application = await fixture.send(`${message(`POST ${URI} HTTP/1.1`, 'Host: a', 'Content-Length: 5')}hello`);
    const { text } = await application.endHalf().closed();
    expect(text).toMatch(/^HTTP\/1\.1 200 OK\r\n[^]*ok$/);
  });

  it('reaches an application that is still sending its request', async () => {
    await answering((socket) => {
      socket.pause();
      socket.end('HTTP/1.1 413 Content Too Large\r\nContent-Length: 4\r\n\r\nmuch');
    });
    const head = message(`POST ${URI} HTTP/1.1`, 'Host: a', `Content-Length: ${1 << 24}`);
    const application = await fixture.send(head + 'x'.repeat(1 << 20));
    const { text, end } = await application.closed();
    expect(text).toMatch(/^HTTP\/1\.1 413 Content Too Large\r\n[^]*much$/);
    expect(end).toBe('closed');
  });

  it('is enough, though the destination keeps its connection open', async () => {
    await answering((socket) => socket.write('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok'));
    const { end } = await (await fixture.send(GET)).closed();
    expect(end).toBe('closed');
    await expect.poll(() => fixture.tunnel.channelCount, { timeout: 3000 }).toBe(0);
  });
});

describe('interim responses', () => {
  const upload = message(`PUT ${URI} HTTP/1.1`, 'Host: a', 'Content-Length: 5', 'Expect: 100-continue');

  it('100 comes from the destination, and the content follows', async () => {
    const { heads } = await answering((socket) => {
      socket.write('HTTP/1.1 100 Continue\r\nX-Hint: 1\r\n\r\n');
      void readUntil(socket, /hello$/).then(() => socket.end('HTTP/1.1 201 Created\r\nContent-Length: 0\r\n\r\n'));
    });
    const application = await fixture.send(upload);
    expect(await application.until((text) => text !== '')).toBe('HTTP/1.1 100 Continue\r\nX-Hint: 1\r\n\r\n');
    const { text } = await application.send('hello').closed();
    expect(text).toMatch(/HTTP\/1\.1 201 Created\r\nContent-Length: 0\r\nConnection: close\r\n\r\n$/);
    expect(heads[0]).toContain('\r\nExpect: 100-continue\r\n');
  });

  it('a final response instead of 100 is passed on', async () => {
    await answering((socket) => socket.end('HTTP/1.1 417 Expectation Failed\r\nContent-Length: 0\r\n\r\n'));
    const { text } = await (await fixture.send(upload)).closed();
    expect(text).toBe('HTTP/1.1 417 Expectation Failed\r\nContent-Length: 0\r\nConnection: close\r\n\r\n');
  });

  it('a failure instead of 100 is told', async () => {
    fixture.tunnel.farEnd = refuseWith('CONNECTION_REFUSED');
    const { text } = await (await fixture.send(upload)).closed();
    expect(text).toMatch(/^HTTP\/1\.1 502 /);
  });

  it('103 passes', async () => {
    await answering((socket) => {
      socket.end('HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n');
    });
    const { text } = await (await fixture.send(GET)).closed();
    expect(text).toMatch(/^HTTP\/1\.1 103 Early Hints\r\nLink: <\/a>\r\n\r\nHTTP\/1\.1 200 OK\r\n/);
  });

  it('are kept from HTTP/1.0', async () => {
    await answering((socket) => {
      socket.end('HTTP/1.1 103 Early Hints\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n');
    });
    const { text } = await (await fixture.send(message(`GET ${URI} HTTP/1.0`))).closed();
    expect(text).toMatch(/^HTTP\/1\.1 200 OK\r\n/);
  });
});

describe('a failure', () => {
  it.each(Object.keys(FAILURES) as FailureCode[])('to open, by %s, is told by status and Proxy-Status', async (code) => {
    fixture.tunnel.farEnd = refuseWith(code);
    const { text, end } = await (await fixture.send(GET)).closed();
    const failure = FAILURES[code];
    expect(text).toMatch(new RegExp(`^HTTP/1\\.1 ${failure.http} [^]*\r\n\r\n${failure.text}\n$`));
    expect(text).toContain(`\r\nProxy-Status: wsproxy; error=${failure.proxyStatus}\r\n`);
    expect(end).toBe('closed');
  });

  it('reaches an application in the middle of its upload', async () => {
    fixture.tunnel.farEnd = refuseWith('DENIED');
    const head = message(`POST ${URI} HTTP/1.1`, 'Host: a', `Content-Length: ${1 << 24}`);
    const { text, end } = await (await fixture.send(head + 'x'.repeat(1 << 20))).closed();
    expect(text).toMatch(/^HTTP\/1\.1 403 /);
    expect(end).toBe('closed');
  });

  it('of HEAD has no content', async () => {
    fixture.tunnel.farEnd = refuseWith('DENIED');
    const { text } = await (await fixture.send(message(`HEAD ${URI} HTTP/1.1`, 'Host: a'))).closed();
    expect(text).toMatch(/^HTTP\/1\.1 403 [^]*\r\n\r\n$/);
  });

  it.each([
    ['closes without a response', (socket: Socket) => socket.end(), 'http_response_incomplete'],
    ['closes within the head', (socket: Socket) => socket.end('HTTP/1.1 200 OK\r\nX'), 'http_response_incomplete'],
    ['resets', (socket: Socket) => socket.resetAndDestroy(), 'connection_terminated'],
    ['speaks something else', (socket: Socket) => socket.end('SSH-2.0-OpenSSH\r\n'), 'http_protocol_error'],
    ['has lengths that disagree', (socket: Socket) => socket.end('HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab'), 'http_protocol_error'],
    ['uses an unknown transfer coding', (socket: Socket) => socket.end('HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n'), 'http_protocol_error'],
    ['has a control character in its reason', (socket: Socket) => socket.end('HTTP/1.1 200 O\x01K\r\nContent-Length: 0\r\n\r\n'), 'http_protocol_error'],
    ['has a status below 100', (socket: Socket) => socket.end('HTTP/1.1 099 Low\r\nContent-Length: 0\r\n\r\n'), 'http_protocol_error'],
    ['switches protocols unasked', (socket: Socket) => socket.end('HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: x\r\n\r\n'), 'http_response_incomplete'],
    ['sends more than 64 KiB of headers', (socket: Socket) => socket.end(`HTTP/1.1 200 OK\r\nX: ${'x'.repeat(70_000)}\r\n\r\n`), 'http_protocol_error'],
  ])('of a destination that %s is told as 502', async (_title, answer, proxyStatus) => {
    await answering(answer);
    const { text, end } = await (await fixture.send(GET)).closed();
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
    await answering(answer);
    for (const version of ['HTTP/1.0', 'HTTP/1.1']) {
      const { text, end } = await (await fixture.send(message(`GET ${URI} ${version}`, 'Host: a'))).closed();
      expect(text).toContain('partial');
      expect(text).not.toContain('0\r\n\r\n\0');
      expect(text.endsWith('0\r\n\r\n')).toBe(false);
      expect(end).toBe('reset');
    }
  });

  it('of the session in the middle of a response is a reset', async () => {
    await answering((socket) => socket.write(partial.close));
    const application = await fixture.send(GET);
    await application.until((text) => text.includes('partial'));
    fixture.tunnel.close();
    expect((await application.closed()).end).toBe('reset');
  });
});

describe('an application that goes away', () => {
  it('while the target is dialled cancels the channel', async () => {
    fixture.tunnel.farEnd = keepWaiting;
    const application = await fixture.send(GET);
    await expect.poll(() => fixture.tunnel.channelCount).toBe(2);
    application.socket.resetAndDestroy();
    await expect.poll(() => fixture.tunnel.channelCount).toBe(0);
  });

  it('in the middle of its upload resets the destination', async () => {
    const { sockets } = await answering(() => {});
    const application = await fixture.send(`${message(`POST ${URI} HTTP/1.1`, 'Host: a', 'Content-Length: 100')}part`);
    await expect.poll(() => sockets.length).toBe(1);
    const failed = once(sockets[0] as Socket, 'close');
    application.socket.end();
    await failed;
    expect((sockets[0] as Socket).errored).toMatchObject({ code: 'ECONNRESET' });
  });

  it('in the middle of a download resets the destination', async () => {
    const { sockets } = await answering((socket) => {
      socket.write('HTTP/1.1 200 OK\r\n\r\n');
      const fill = (): void => void socket.write(Buffer.alloc(65_536), (error) => error ?? fill());
      fill();
    });
    const application = await fixture.send(GET);
    await application.untilBytes(1_000_000);
    const failed = once(sockets[0] as Socket, 'close');
    application.socket.destroy();
    await failed;
  });

  it('that breaks the framing of its content cuts the request', async () => {
    const { sockets } = await answering(() => {});
    const head = message(`POST ${URI} HTTP/1.1`, 'Host: a', 'Transfer-Encoding: chunked');
    const application = await fixture.send(`${head}5\r\nhello\r\n`);
    await expect.poll(() => sockets.length).toBe(1);
    application.send('not a chunk\r\n');
    expect((await application.closed()).end).toBe('reset');
    await expect.poll(() => fixture.tunnel.channelCount).toBe(0);
  });
});
