import { describe, expect, it } from 'vitest';
import { refuseWith } from 'wsproxy-test-support/test-tunnel';
import { readUntil } from '../destination.js';
import { GET, message, URI, useForwarding } from '../forward-fixture.js';

const forwarding = useForwarding();

describe('the request', () => {
  it('C17 goes out in origin form, with the Host of its target and without hop-by-hop headers', async () => {
    const { heads } = await forwarding.answering((socket) => socket.end('HTTP/1.1 204 No Content\r\n\r\n'));
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
      'TE: deflate, trailers',
      'Upgrade: h2c',
      'Origin: http://page.example',
      'X-Latin: caf\u00e9',
    );
    await (await forwarding.port.send(request)).closed();
    expect(heads).toEqual([
      message(
        'GET /path?query HTTP/1.1',
        'Host: example.org:8080',
        'X-Dup: 1',
        'x-dup: 2',
        'Origin: http://page.example',
        'X-Latin: caf\u00e9',
        'Connection: keep-alive, TE',
        'TE: trailers',
      ),
    ]);
    expect(forwarding.port.tunnel.opened).toEqual(['example.org:8080']);
  });

  it.each([
    ['GET http://example.org HTTP/1.1', 'GET / HTTP/1.1', 'Host: example.org', 'example.org:80'],
    ['GET http://[::1]:81?q HTTP/1.1', 'GET /?q HTTP/1.1', 'Host: [::1]:81', '[::1]:81'],
    ['OPTIONS http://example.org HTTP/1.1', 'OPTIONS * HTTP/1.1', 'Host: example.org', 'example.org:80'],
    ['PROPFIND HTTP://A.example/%7E/../x HTTP/1.0', 'PROPFIND /%7E/../x HTTP/1.1', 'Host: A.example', 'a.example:80'],
  ])('%s becomes %s', async (line, sent, host, target) => {
    const { heads } = await forwarding.answering((socket) => socket.end('HTTP/1.1 204 No Content\r\n\r\n'));
    await (await forwarding.port.send(message(line, 'Host: x'))).closed();
    expect(heads[0]?.split('\r\n').slice(0, 2)).toEqual([sent, host]);
    expect(forwarding.port.tunnel.opened).toEqual([target]);
  });

  it.each([
    ['GET without content', 'GET', [], '', []],
    ['POST without content', 'POST', [], '', ['Content-Length: 0']],
    ['POST with a length', 'POST', ['Content-Length: 5'], 'hello', ['Content-Length: 5']],
    ['DELETE with a length', 'DELETE', ['Content-Length: 5'], 'hello', ['Content-Length: 5']],
    ['GET in chunks', 'GET', ['Transfer-Encoding: chunked'], '5\r\nhello\r\n0\r\n\r\n', ['Transfer-Encoding: chunked']],
    [
      'a length named in Connection',
      'GET',
      ['Connection: content-length', 'Content-Length: 5'],
      'hello',
      ['Content-Length: 5'],
    ],
  ])('keeps the framing of %s', async (_title, method, headers, content, framing) => {
    const { heads } = await forwarding.answering((socket) => socket.end('HTTP/1.1 204 No Content\r\n\r\n'));
    await (await forwarding.port.send(message(`${method} ${URI} HTTP/1.1`, 'Host: a', ...headers) + content)).closed();
    expect(heads[0]?.split('\r\n\r\n')[0]?.split('\r\n').slice(2)).toEqual([...framing, 'Connection: keep-alive']);
  });

  it('is taken with any byte that a header may hold', async () => {
    const { heads } = await forwarding.answering((socket) => socket.end('HTTP/1.1 204 No Content\r\n\r\n'));
    for (let byte = 0; byte <= 0xff; byte += 1) {
      const character = String.fromCharCode(byte);
      const request = message(`GET ${URI} HTTP/1.1`, 'Host: a', `X-${character}: x`, `Y: a${character}b`);
      const { text } = await (await forwarding.port.send(request)).closed();
      expect(text).toMatch(/^HTTP\/1\.1 (204|400) /);
    }
    expect(heads.length).toBeGreaterThan(50);
  });
});

describe('trailers', () => {
  it('are asked for and announced as the application does it', async () => {
    const { heads } = await forwarding.answering((socket) => socket.end('HTTP/1.1 204 No\r\n\r\n'));
    const fields = ['TE: trailers, deflate', 'Connection: TE', 'Trailer: X-Sum', 'Transfer-Encoding: chunked'];
    const request = `${message(`POST ${URI} HTTP/1.1`, ...fields)}0\r\nX-Sum: 1\r\n\r\n`;
    await (await forwarding.port.send(request)).closed();
    expect(heads[0]).toContain(
      message('', 'Trailer: X-Sum', 'Transfer-Encoding: chunked', 'Connection: keep-alive, TE', 'TE: trailers'),
    );
  });
});

describe('TRACE and OPTIONS', () => {
  it.each([
    ['TRACE', 'Max-Forwards: 7', 'Max-Forwards: 6'],
    ['OPTIONS', 'max-forwards: 01', 'max-forwards: 0'],
    ['TRACE', 'Max-Forwards: 99999999999999999999999', 'Max-Forwards: 999'],
    ['TRACE', 'Max-Forwards: x', 'Max-Forwards: x'],
    ['GET', 'Max-Forwards: 0', 'Max-Forwards: 0'],
  ])('%s goes on with %s as %s', async (method, given, passed) => {
    const { heads } = await forwarding.answering((socket) => socket.end('HTTP/1.1 204 No\r\n\r\n'));
    await (await forwarding.port.send(message(`${method} ${URI} HTTP/1.1`, given))).closed();
    expect(heads[0]).toMatch(new RegExp(`^${method} /path`));
    expect(heads[0]).toContain(`\r\n${passed}\r\n`);
  });
});

describe('the response', () => {
  it('comes back with its headers as they were, but for the next hop', async () => {
    await forwarding.answering((socket) => {
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
        ).concat('ok'),
        'latin1',
      );
    });
    const { text } = await (await forwarding.port.send(GET)).closed();
    expect(text).toBe(
      message(
        'HTTP/1.1 299 Some Thing \u00e9',
        'Set-Cookie: a=1',
        'set-cookie: b=2',
        'Date: yesterday',
        'Content-Length: 2',
        'Connection: close',
      ).concat('ok'),
    );
  });

  it('keeps any number of headers', async () => {
    const headers = Array.from({ length: 3000 }, (_, index) => `X-${index}: x`);
    await forwarding.answering((socket) => socket.end(message('HTTP/1.1 204 No Content', ...headers)));
    const { text } = await (await forwarding.port.send(GET)).closed();
    expect(text).toBe(message('HTTP/1.1 204 No Content', ...headers, 'Connection: close'));
  });

  it('in chunks stays in chunks, with its trailers', async () => {
    const response = 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n';
    const content = '\r\n5\r\nhello\r\n0\r\nX-Sum: 1\r\n\r\n';
    await forwarding.answering((socket) => socket.end(response + content));
    const { text } = await (await forwarding.port.send(GET)).closed();
    expect(text).toBe(`${response}Connection: close\r\n${content}`);
  });

  it('in chunks reaches an HTTP/1.0 application without them', async () => {
    await forwarding.answering((socket) => {
      socket.end('HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n');
    });
    const { text, end } = await (await forwarding.port.send(message(`GET ${URI} HTTP/1.0`))).closed();
    expect(text).toBe('HTTP/1.1 200 OK\r\nConnection: close\r\n\r\nhello');
    expect(end).toBe('closed');
  });

  it('that the end of the connection delimits is complete at a clean end', async () => {
    await forwarding.answering((socket) => socket.end('HTTP/1.0 200 OK\r\n\r\nhello'));
    const { text, end } = await (await forwarding.port.send(message(`GET ${URI} HTTP/1.0`))).closed();
    expect(text).toBe('HTTP/1.1 200 OK\r\nConnection: close\r\n\r\nhello');
    expect(end).toBe('closed');
  });

  it.each([
    ['HEAD', 'HEAD', 'HTTP/1.1 200 OK\r\nContent-Length: 1000', 'Content-Length: 1000'],
    ['HEAD of something in chunks', 'HEAD', 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked', undefined],
    ['204', 'GET', 'HTTP/1.1 204 No Content', undefined],
    ['304', 'GET', 'HTTP/1.1 304 Not Modified\r\nContent-Length: 1000', 'Content-Length: 1000'],
  ])('to %s has no content', async (_title, method, head, length) => {
    await forwarding.answering((socket) => socket.write(`${head}\r\n\r\n`));
    const request = message(`${method} ${URI} HTTP/1.1`, 'Connection: close');
    const application = await forwarding.port.send(request);
    const { text, end } = await application.closed();
    const lines = [head.split('\r\n')[0], ...(length === undefined ? [] : [length]), 'Connection: close', '', ''];
    expect(text).toBe(lines.join('\r\n'));
    expect(end).toBe('closed');
  });

  it('starts as soon as its head is there', async () => {
    await forwarding.answering((socket) => socket.write('HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n'));
    const application = await forwarding.port.send(GET);
    expect(await application.until((text) => text.endsWith('\r\n\r\n'))).toMatch(/^HTTP\/1\.1 200 OK/);
  });

  it.each([
    ['another request', GET],
    ['an empty line', '\r\n'],
    ['a request with much content', message(`POST ${URI} HTTP/1.1`, 'Content-Length: 500000') + 'x'.repeat(500_000)],
  ])('is given up by an application that ends behind %s, which the destination learns', async (_what, behind) => {
    let hasEnded = false;
    await forwarding.answering((socket) => {
      socket.once('end', () => {
        hasEnded = true;
        socket.end();
      });
      socket.resume();
    });
    const application = await forwarding.port.send(GET + behind);
    application.endHalf();
    await expect.poll(() => hasEnded).toBe(true);
    await application.closed();
    expect(forwarding.port.tunnel.channelCount).toBe(0);
  });

  it('is waited for when the application has ended its half, which the destination learns', async () => {
    await forwarding.dialled((socket) => {
      socket.resume();
      socket.once('end', () => socket.end('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok'));
    });
    const application = await forwarding.port.send(
      `${message(`POST ${URI} HTTP/1.1`, 'Host: a', 'Content-Length: 5')}hello`,
    );
    const { text } = await application.endHalf().closed();
    expect(text).toMatch(/^HTTP\/1\.1 200 OK\r\n[^]*ok$/);
  });

  it('reaches an application that is still sending its request', async () => {
    await forwarding.answering((socket) => {
      socket.pause();
      socket.end('HTTP/1.1 413 Content Too Large\r\nContent-Length: 4\r\n\r\nmuch');
    });
    const head = message(`POST ${URI} HTTP/1.1`, 'Host: a', `Content-Length: ${1 << 24}`);
    const application = await forwarding.port.send(head + 'x'.repeat(1 << 24));
    const { text, end } = await application.closed();
    expect(text).toMatch(/^HTTP\/1\.1 413 Content Too Large\r\n[^]*much$/);
    expect(end).toBe('closed');
  });

  it('is enough for who asks for no more, though the destination keeps its connection open', async () => {
    await forwarding.answering((socket) => socket.write('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok'));
    const { end } = await (await forwarding.port.send(message(`GET ${URI} HTTP/1.1`, 'Connection: close'))).closed();
    expect(end).toBe('closed');
    await expect.poll(() => forwarding.port.tunnel.channelCount, { timeout: 3000 }).toBe(0);
  });
});

describe('interim responses', () => {
  const upload = message(`PUT ${URI} HTTP/1.1`, 'Host: a', 'Content-Length: 5', 'Expect: 100-continue');

  it('100 comes from the destination, and the content follows', async () => {
    const { heads } = await forwarding.answering((socket) => {
      socket.write('HTTP/1.1 100 Continue\r\nX-Hint: 1\r\n\r\n');
      void readUntil(socket, /hello$/).then(() => socket.end('HTTP/1.1 201 Created\r\nContent-Length: 0\r\n\r\n'));
    });
    const application = await forwarding.port.send(upload);
    expect(await application.until((text) => text !== '')).toBe('HTTP/1.1 100 Continue\r\nX-Hint: 1\r\n\r\n');
    const { text } = await application.send('hello').closed();
    expect(text).toMatch(/HTTP\/1\.1 201 Created\r\nContent-Length: 0\r\nConnection: close\r\n\r\n$/);
    expect(heads[0]).toContain('\r\nExpect: 100-continue\r\n');
  });

  it('a final response instead of 100 is passed on', async () => {
    await forwarding.answering((socket) => socket.end('HTTP/1.1 417 Expectation Failed\r\nContent-Length: 0\r\n\r\n'));
    const { text } = await (await forwarding.port.send(upload)).closed();
    expect(text).toBe('HTTP/1.1 417 Expectation Failed\r\nContent-Length: 0\r\nConnection: close\r\n\r\n');
  });

  it('any expectation is for the destination to judge, with the bytes of all fields as they were', async () => {
    const { heads } = await forwarding.answering((socket) =>
      socket.end('HTTP/1.1 417 No\r\nContent-Length: 0\r\n\r\n'),
    );
    const expectation = ['Content-Length: 5', 'Expect: a miracle', 'X: caf\u00e9'];
    const { text } = await (
      await forwarding.port.send(message(`PUT ${URI} HTTP/1.1`, 'Host: a', ...expectation))
    ).closed();
    expect(text).toMatch(/^HTTP\/1\.1 417 /);
    expect(heads[0]).toContain('\r\nExpect: a miracle\r\nX: caf\u00e9\r\n');
  });

  it('nothing is expected in HTTP/1.0', async () => {
    const { heads } = await forwarding.answering((socket) => socket.end('HTTP/1.1 204 No Content\r\n\r\n'));
    await (await forwarding.port.send(`${upload.replace('HTTP/1.1', 'HTTP/1.0')}hello`)).closed();
    expect(heads[0]).not.toContain('Expect');
  });

  it('a failure instead of 100 is told', async () => {
    forwarding.port.tunnel.farEnd = refuseWith('CONNECTION_REFUSED');
    const { text } = await (await forwarding.port.send(upload)).closed();
    expect(text).toMatch(/^HTTP\/1\.1 502 /);
  });

  it('103 passes', async () => {
    await forwarding.answering((socket) => {
      socket.end('HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n');
    });
    const { text } = await (await forwarding.port.send(GET)).closed();
    expect(text).toMatch(/^HTTP\/1\.1 103 Early Hints\r\nLink: <\/a>\r\n\r\nHTTP\/1\.1 200 OK\r\n/);
  });

  it('are kept from HTTP/1.0', async () => {
    await forwarding.answering((socket) => {
      socket.end('HTTP/1.1 103 Early Hints\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n');
    });
    const { text } = await (await forwarding.port.send(message(`GET ${URI} HTTP/1.0`))).closed();
    expect(text).toMatch(/^HTTP\/1\.1 200 OK\r\n/);
  });
});
