import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { FAILURES } from 'wsproxy-engine';
import { refuseWith } from 'wsproxy-test-support/test-tunnel';
import { usePort } from '../port-fixture.js';
import { hex } from '../socks-bytes.js';

const fixture = usePort();

function message(requestLine: string, ...headers: string[]): string {
  return [requestLine, ...headers, '', ''].join('\r\n');
}

describe('a request that is not for a proxy', () => {
  it.each([
    ['D1 a fetch of a page', message('GET / HTTP/1.1', 'Host: 127.0.0.1:1080', 'Sec-Fetch-Site: cross-site'), 403],
    ['D1 a fetch of an old browser', message('GET / HTTP/1.1', 'Host: 127.0.0.1:1080'), 400],
    ['a page on a name that it had rebound', message('GET / HTTP/1.1', 'Host: evil.example:1080'), 400],
    ['a form', message('POST / HTTP/1.1', 'Host: a', 'Origin: http://evil.example', 'Content-Length: 0'), 403],
    [
      'D4 C24 a WebSocket of a page',
      message('GET / HTTP/1.1', 'Host: a', 'Connection: Upgrade', 'Upgrade: websocket', 'Origin: http://evil.example'),
      403,
    ],
    [
      'C24 an upgrade without Origin',
      message('GET /x HTTP/1.1', 'Host: a', 'Connection: Upgrade', 'Upgrade: h2c'),
      403,
    ],
    ['a preflight', message('OPTIONS / HTTP/1.1', 'Host: a', 'Origin: http://evil.example'), 403],
    [
      'D3 a POST whose content is a SOCKS greeting',
      `${message('POST / HTTP/1.1', 'Host: a', 'Content-Length: 3')}\x05\x01\x00`,
      400,
    ],
    [
      'a POST of 16 MiB',
      message('POST / HTTP/1.1', 'Host: a', `Content-Length: ${1 << 24}`) + 'x'.repeat(1 << 24),
      400,
    ],
    ['HEAD', message('HEAD / HTTP/1.1', 'Host: a'), 400],
  ])('%s: gets a constant answer that a page cannot read', async (_title, request, status) => {
    const application = await fixture.send(request);
    const { text, end } = await application.closed();
    const [head = '', body] = text.split('\r\n\r\n');
    expect(head).toMatch(new RegExp(`^HTTP/1\\.1 ${status} `));
    expect(
      head
        .split('\r\n')
        .slice(1)
        .map((line) => line.split(':')[0]),
    ).toEqual(['Content-Type', 'X-Content-Type-Options', 'Content-Length', 'Connection']);
    expect(head).toContain('Content-Type: text/plain');
    expect(head).toContain('X-Content-Type-Options: nosniff');
    expect(body).toBe(
      request.startsWith('HEAD')
        ? ''
        : status === 403
          ? 'wsproxy-client: not for web pages\n'
          : 'wsproxy-client: not a proxy request\n',
    );
    expect(end).toBe('closed');
    expect(fixture.tunnel.opened).toEqual([]);
  });

  it.each([
    ['content that is a CONNECT', message('POST / HTTP/1.1', 'Host: a', 'Content-Length: 40'), 400],
    ['a pipelined CONNECT', message('POST / HTTP/1.1', 'Host: a', 'Content-Length: 0'), 400],
    ['a pipelined CONNECT behind OPTIONS', message('OPTIONS * HTTP/1.1', 'Host: a'), 200],
    ['a pipelined CONNECT behind TRACE', message('TRACE http://a/ HTTP/1.1', 'Max-Forwards: 0'), 200],
  ])('%s is never executed', async (_title, request, status) => {
    const application = await fixture.send(request + message('CONNECT 10.0.0.1:22 HTTP/1.1', 'Host: 10.0.0.1:22'));
    const { text, end } = await application.closed();
    expect(text).toMatch(new RegExp(`^HTTP/1\\.1 ${status} `));
    expect(text.match(/HTTP\/1\.1 /g)).toHaveLength(1);
    expect(end).toBe('closed');
    expect(fixture.tunnel.opened).toEqual([]);
  });
});

describe('a request for the proxy itself', () => {
  it.each([
    ['C19 OPTIONS *', message('OPTIONS * HTTP/1.1', 'Host: a')],
    ['OPTIONS that may pass no proxy', message('OPTIONS http://example.org/ HTTP/1.1', 'Max-Forwards: 0')],
  ])('%s is told what there is', async (_title, request) => {
    const { text, end } = await (await fixture.send(request)).closed();
    expect(text).toMatch(
      /^HTTP\/1\.1 200 OK\r\nAllow: CONNECT, GET, [^]*\r\nContent-Length: 0\r\nConnection: close\r\n\r\n$/,
    );
    expect(end).toBe('closed');
    expect(fixture.tunnel.opened).toEqual([]);
  });

  it('C19 TRACE that may pass no proxy comes back without its secrets', async () => {
    const secrets = ['Authorization: Basic eDp5', 'Cookie: a=b', 'Proxy-Authorization: Basic eDp5', 'X-Api-Key: 5'];
    const request = ['TRACE http://example.org/a HTTP/1.1', 'Host: b', 'X-A: 1', 'max-forwards: 0'] as const;
    const application = await fixture.send(message(...request, ...secrets));
    const [head, body] = (await application.closed()).text.split(/(?<=^[^]*?\r\n)\r\n(?=TRACE)/);
    expect(head).toContain('\r\nContent-Type: message/http\r\n');
    expect(body).toBe(message(...request));
    expect(fixture.tunnel.opened).toEqual([]);
  });

  it('TRACE comes back byte for byte, but for the user in its URI', async () => {
    const trace = (place: string): string => message(`TRACE http://${place}/ü HTTP/1.1`, 'X-A: ü', 'Max-Forwards: 0');
    const { text } = await (await fixture.send(trace('user:secret@example.org'))).closed();
    expect(text.endsWith(trace('example.org'))).toBe(true);
    expect(text).toContain(`Content-Length: ${trace('example.org').length}\r\n`);
  });

  it('is none in the form that web pages send', async () => {
    const application = await fixture.send(message('OPTIONS / HTTP/1.1', 'Max-Forwards: 0', 'Origin: http://a'));
    expect((await application.closed()).text).toMatch(/^HTTP\/1\.1 403 /);
  });
});

describe('a request that cannot be forwarded', () => {
  const host = 'Host: example.org';
  it.each([
    ['C19 the preface of HTTP/2', 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n', 400],
    ['C7 two Hosts', message('GET http://example.org/ HTTP/1.1', host, host), 400],
    ['HTTP/2.0', message('GET http://example.org/ HTTP/2.0', host), 400],
    ['HTTP/0.9', 'GET http://example.org/\r\n\r\n', 400],
    ['port 0', message('GET http://example.org:0/ HTTP/1.1', host), 400],
    ['an address in short form', message('GET http://127.1/ HTTP/1.1', host), 400],
    ['https', message('GET https://example.org/ HTTP/1.1', host), 501],
    ['ftp', message('GET ftp://example.org/ HTTP/1.1', host), 501],
    ['C9 NUL in the URI', message('GET http://example.org/a\0b HTTP/1.1', host), 400],
    ['C10 one bare LF', message('GET http://example.org/ HTTP/1.1', host).replace('\r', ''), 400],
    ['C5 user information that may be the host', message('GET http://a@b@example.org/ HTTP/1.1', host), 400],
    [
      'C11 more than 64 KiB of headers',
      message('GET http://example.org/ HTTP/1.1', host, `X: ${'x'.repeat(65_536)}`),
      431,
    ],
    ['C11 a URI of more than 64 KiB', message(`GET http://example.org/${'x'.repeat(65_536)} HTTP/1.1`, host), 431],
    [
      'C11 501 header fields',
      message('GET http://example.org/ HTTP/1.1', host, ...Array.from({ length: 500 }, (_, index) => `X-${index}: x`)),
      431,
    ],
    [
      'C11 2000 header fields',
      message('GET http://example.org/ HTTP/1.1', host, ...Array.from({ length: 2000 }, (_, index) => `X${index}: x`)),
      431,
    ],
    [
      'length and transfer coding together',
      `${message('POST http://example.org/ HTTP/1.1', host, 'Content-Length: 3', 'Transfer-Encoding: chunked')}0\r\n\r\n`,
      400,
    ],
    ['two lengths', message('POST http://example.org/ HTTP/1.1', host, 'Content-Length: 3', 'Content-Length: 4'), 400],
    [
      'a transfer coding but chunked',
      message('POST http://example.org/ HTTP/1.1', host, 'Transfer-Encoding: gzip, chunked'),
      501,
    ],
    [
      'C16 authorization of 64 KiB',
      message('GET http://example.org/ HTTP/1.1', host, `Proxy-Authorization: ${'x'.repeat(65_536)}`),
      431,
    ],
  ])('%s: is refused and the connection closed', async (_title, request, status) => {
    const application = await fixture.send(request);
    const { text, end } = await application.closed();
    expect(text).toMatch(new RegExp(`^HTTP/1\\.1 ${status} `));
    expect(text).toContain('\r\nConnection: close\r\n');
    expect(end).toBe('closed');
    expect(fixture.tunnel.opened).toEqual([]);
  });

  it.each(['localhost', 'LOCALHOST.', '127.0.0.1', '127.8.9.10', '[::1]'])(
    'C18 a loop by %s: is refused',
    async (name) => {
      const application = await fixture.send(message(`GET http://${name}:${fixture.port}/ HTTP/1.1`, 'Host: a'));
      expect((await application.closed()).text).toMatch(/^HTTP\/1\.1 400 [^]*the target is this proxy\n$/);
      expect(fixture.tunnel.opened).toEqual([]);
    },
  );

  it('C18 leaves other ports of loopback to the server, whose loopback is another one', async () => {
    await fixture.send(message('GET http://127.0.0.1:80/ HTTP/1.1', 'Host: a'));
    await expect.poll(() => fixture.tunnel.opened).toEqual(['127.0.0.1:80']);
  });

  it('half a request and an end: closes', async () => {
    const application = await fixture.send('GET http://example.org/ HTT');
    application.endHalf();
    expect((await application.closed()).end).toBe('closed');
  });

  it('bytes of another protocol behind the first letter: are refused', async () => {
    const application = await fixture.send(Buffer.concat([Buffer.from('G'), hex('16 03 01 00 00')]));
    expect((await application.closed()).text).toMatch(/^HTTP\/1\.1 400 /);
  });
});

describe('arbitrary input', () => {
  const bases = [
    message('CONNECT example.org:443 HTTP/1.1', 'Host: example.org:443'),
    message('GET http://example.org/ HTTP/1.1', 'Host: example.org'),
    `${message('POST http://example.org/ HTTP/1.1', 'Host: a', 'Transfer-Encoding: chunked')}3\r\nabc\r\n0\r\n\r\n`,
    `${message('PUT / HTTP/1.0', 'Content-Length: 3')}abc`,
  ];
  /** Some bytes of a good request overwritten, taken out or put in; never the first, which chooses HTTP. */
  const edit = fc.record({ at: fc.nat(120), remove: fc.nat(3), insert: fc.uint8Array({ maxLength: 3 }) });
  const damaged = fc.tuple(fc.constantFrom(...bases), fc.array(edit, { maxLength: 3 })).map(([base, edits]) => {
    let bytes = Buffer.from(base, 'latin1');
    for (const { at, remove, insert } of edits) {
      const start = 1 + (at % (bytes.length - 1));
      bytes = Buffer.concat([bytes.subarray(0, start), insert, bytes.subarray(start + remove)]);
    }
    return bytes;
  });

  it('opens one channel at most, and only one is told of', async () => {
    fixture.tunnel.farEnd = refuseWith('DENIED');
    await fc.assert(
      fc.asyncProperty(damaged, fc.integer({ min: 1, max: 200 }), async (bytes, size) => {
        const before = fixture.tunnel.opened.length;
        const application = await fixture.connect();
        for (let start = 0; start < bytes.length; start += size) application.send(bytes.subarray(start, start + size));
        const { text } = await application.endHalf().closed();
        expect(text).toMatch(/^(HTTP\/1\.1 [45]\d\d [^]*)?$/);
        expect(text.split('HTTP/1.1 ').length).toBeLessThanOrEqual(2);
        const opened = fixture.tunnel.opened.length - before;
        if (text.endsWith(`${FAILURES.DENIED.text}\n`)) expect(opened).toBe(1);
        // What is wrong with the content shows when the target is being dialled.
        else expect(opened).toBeLessThanOrEqual(text === '' || text.includes(' content ') ? 1 : 0);
      }),
      { numRuns: 300 },
    );
  });
});
