import { once } from 'node:events';
import { connect, createServer } from 'node:net';
import { connect as connectTls } from 'node:tls';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { echo, keepWaiting, refuseWith, TestTunnel } from 'wsproxy-test-support/test-tunnel';
import { listenLocal } from '../../src/accept/local-port.js';
import { parseSocks4Request } from '../../src/accept/socks/socks4-codec.js';
import { METHODS, parseSocks5Greeting, parseSocks5Request } from '../../src/accept/socks/socks5-codec.js';
import { PortFixture, usePort } from './port-fixture.js';
import { GREETING, hex, METHOD, request5 } from './socks-bytes.js';

describe('the first byte', () => {
  const fixture = usePort();

  it.each([
    ['SOCKS5', hex('05 00'), hex('05 FF')],
    ['SOCKS4', hex('04 02'), hex('00 5B 0000 00000000')],
  ])('0%s chooses its protocol', async (_title, input, answer) => {
    const application = await fixture.send(input);
    expect((await application.closed()).bytes).toEqual(answer);
  });

  it.each(['CONNECT', 'GET', 'Z', 'get', '\r\nGET', '\nGET', '~'])('of %s chooses HTTP', async (method) => {
    const application = await fixture.send(`${method} \r\n\r\n`);
    expect((await application.closed()).text).toMatch(/^HTTP\/1\.1 400 Bad Request\r\n/);
  });

  it.each([
    ['a NUL', hex('00')],
    ['SOCKS version 6', hex('06 00')],
    ['a byte that begins no method', Buffer.from('@')],
    ['another', Buffer.from('{')],
  ])('of %s: closes without a byte', async (_title, input) => {
    const application = await fixture.send(input);
    expect(await application.closed()).toMatchObject({ text: '', end: 'closed' });
  });

  it('A30 64 KiB of random bytes are answered by closing, and open nothing but what they ask for', async () => {
    await fc.assert(
      fc.asyncProperty(fc.uint8Array({ minLength: 65_536, maxLength: 65_536 }), async (random) => {
        const bytes = Buffer.from(random);
        const before = fixture.tunnel.opened.length;
        const application = await fixture.send(bytes);
        await application.endHalf().closed();
        expect(fixture.tunnel.opened.length - before).toBe(isSocksRequest(bytes) ? 1 : 0);
      }),
      { numRuns: 30 },
    );
  });
});

function isSocksRequest(bytes: Buffer): boolean {
  if (bytes[0] === 4) return parseSocks4Request(bytes).state === 'done';
  const greeting = parseSocks5Greeting(bytes);
  if (greeting.state !== 'done' || !greeting.value.includes(METHODS.NO_AUTHENTICATION)) return false;
  const request = parseSocks5Request(bytes.subarray(greeting.length));
  return request.state === 'done' && request.value.command === 'connect';
}

describe('the handshake deadline', () => {
  const fixture = usePort({ handshakeTimeout: 150 });

  it.each([
    ['A1 nothing sent', '', ''],
    ['A2 a SOCKS5 version and then silence', '\x05', ''],
    ['a SOCKS5 greeting and then silence', '\x05\x01\x00', '\x05\x00'],
    ['a SOCKS4 header and then silence', '\x04\x01\x00\x50', ''],
  ])('%s: closes without a reply', async (_title, input, answer) => {
    const application = await fixture.connect();
    if (input !== '') application.send(input);
    expect(await application.closed()).toMatchObject({ text: answer, end: 'closed' });
  });

  it.each([
    ['A3 a slow SOCKS5 request', Buffer.concat([GREETING, request5('a'.repeat(60))]), /^\x05\x00$/],
    ['C12 slow HTTP headers', Buffer.from(`GET http://a/ HTTP/1.1\r\nX: ${'x'.repeat(1000)}`), /^HTTP\/1\.1 408 /],
  ])('%s: counts from accept, not from the last byte', async (_title, request, answer) => {
    const application = await fixture.connect();
    const started = performance.now();
    let next = 0;
    const drip = setInterval(() => application.send(request.subarray(next, ++next)), 5);
    const { text } = await application.closed();
    clearInterval(drip);
    expect(text).toMatch(answer);
    expect(performance.now() - started).toBeGreaterThan(100);
    expect(fixture.tunnel.opened).toEqual([]);
  });

  it('C12 answers an HTTP request that stops in the middle with 408', async () => {
    const application = await fixture.send('CONNECT example.org:443 HTTP/1.1\r\nHost');
    const { text, end } = await application.closed();
    expect(text).toMatch(/^HTTP\/1\.1 408 Request Timeout\r\n/);
    expect(text).toContain('\r\nConnection: close\r\n');
    expect(end).toBe('closed');
  });

  it.each([
    ['SOCKS5', Buffer.concat([GREETING, request5('example.org')])],
    ['HTTP', Buffer.from('CONNECT a:1 HTTP/1.1\r\nHost: a\r\n\r\n')],
  ])('of %s ends with the request: dialling has its own', async (_title, request) => {
    fixture.tunnel.farEnd = keepWaiting;
    const other = await fixture.connect();
    const application = await fixture.send(request);
    await expect.poll(() => fixture.tunnel.channelCount).toBe(2);
    // Accepted before, so when this one is closed the other has been spared.
    await other.closed();
    const later = await fixture.connect();
    await later.closed();
    expect(application.socket.closed).toBe(false);
    expect(fixture.tunnel.channelCount).toBe(2);
  });

  it('closes at once when the application ends in the middle of its request', async () => {
    const application = await fixture.send(GREETING);
    application.endHalf();
    expect(await application.closed()).toMatchObject({ bytes: METHOD, end: 'closed' });
  });
});

describe('listenLocal', () => {
  it('tells the address that the system chose', async () => {
    const port = await listenLocal(new TestTunnel(echo), { at: { host: '127.0.0.1', port: 0 } });
    expect(port.address).toMatchObject({ address: '127.0.0.1', family: 'IPv4' });
    expect(port.address.port).toBeGreaterThan(0);
    await port.close();
  });

  it('rejects when the port is taken', async () => {
    const port = await listenLocal(new TestTunnel(echo), { at: { host: '127.0.0.1', port: 0 } });
    const second = listenLocal(new TestTunnel(echo), { at: { host: '127.0.0.1', port: port.address.port } });
    await expect(second).rejects.toMatchObject({ code: 'EADDRINUSE' });
    await port.close();
  });

  it('serves 500 pages that knock at once, and a real application among them', async () => {
    const fixture = new PortFixture();
    await fixture.open();
    const page = 'GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nSec-Fetch-Site: cross-site\r\n\r\n';
    const pages = await Promise.all(Array.from({ length: 500 }, () => fixture.send(page)));
    const real = await fixture.send(Buffer.concat([GREETING, request5('example.org')]));
    await real.untilBytes(12);
    const answers = await Promise.all(pages.map((application) => application.closed()));
    expect(answers.every(({ text }) => text.startsWith('HTTP/1.1 403 '))).toBe(true);
    expect(fixture.tunnel.opened).toEqual(['example.org:80']);
    await fixture.close();
  });
});

describe('the log', () => {
  const lines: [level: string, fields: object, message: string][] = [];
  const write = (level: string) => (fields: object, message: string) => void lines.push([level, fields, message]);
  const logger = { debug: write('debug'), info: write('info'), warn: write('warn'), error: write('error') };
  const fixture = usePort({ logger });

  it.each([
    [
      'a refused SOCKS request',
      Buffer.concat([GREETING, request5('a\x1b[31m\r\nb')]),
      { reason: 'not a valid host name' },
    ],
    [
      'a refused HTTP request',
      Buffer.from('GET /\x1b HTTP/1.1\r\n\r\n'),
      { reason: 'the request line has a control character' },
    ],
    ['an unknown protocol', Buffer.from('{hello}'), { reason: 'unknown protocol' }],
    [
      'TLS',
      Buffer.from('16030100050100000100', 'hex'),
      { reason: "TLS, which this port does not speak: the proxy's URL has to begin with http://, not https://" },
    ],
  ])('tells %s in one line, without its bytes', async (_title, input, fields) => {
    lines.length = 0;
    await (await fixture.send(input)).closed();
    expect(lines).toEqual([['info', fields, 'local request refused']]);
  });

  it.each([
    ['by SOCKS', Buffer.concat([GREETING, request5('example.org')]), { code: 'DENIED' }],
    ['by CONNECT', Buffer.from('CONNECT example.org:80 HTTP/1.1\r\nHost: a\r\n\r\n'), { code: 'DENIED' }],
    [
      'by a plain request',
      Buffer.from('GET http://example.org/ HTTP/1.1\r\nHost: a\r\n\r\n'),
      { reason: 'destination not allowed' },
    ],
  ])('tells a target that was not reached %s in one line', async (_title, input, cause) => {
    fixture.tunnel.farEnd = refuseWith('DENIED');
    lines.length = 0;
    await (await fixture.send(input)).closed();
    expect(lines).toEqual([['info', { target: 'example.org:80', ...cause }, expect.any(String)]]);
  });
});

describe('TLS to a local port', () => {
  const fixture = usePort();

  it('C20 is answered in TLS', async () => {
    const application = connectTls({ port: fixture.port, host: '127.0.0.1', rejectUnauthorized: false });
    const [error] = await once(application, 'error');
    expect(error).toMatchObject({ code: expect.stringMatching(/ALERT_HANDSHAKE_FAILURE/) });
  });
});

describe('close', () => {
  it('resets what is open, no matter what its stage, and accepts no more', async () => {
    const fixture = new PortFixture();
    await fixture.open();
    const silent = await fixture.connect();
    const greeted = await fixture.send(GREETING);
    await greeted.untilBytes(2);
    const open = await fixture.send(Buffer.concat([GREETING, request5('example.org')]));
    await open.untilBytes(12);
    const { port } = fixture;
    await fixture.localPort.close();
    for (const application of [silent, greeted, open]) expect((await application.closed()).end).toBe('reset');
    const late = connect(port, '127.0.0.1');
    await expect(new Promise((_resolve, reject) => late.once('error', reject))).rejects.toMatchObject({
      code: 'ECONNREFUSED',
    });
    await fixture.close();
  });

  it('may be called twice', async () => {
    const port = await listenLocal(new TestTunnel(echo), { at: { host: '127.0.0.1', port: 0 } });
    await port.close();
    await port.close();
    const again = createServer();
    await new Promise<void>((resolve) => again.listen(port.address.port, '127.0.0.1', resolve));
    await new Promise((resolve) => again.close(resolve));
  });
});
