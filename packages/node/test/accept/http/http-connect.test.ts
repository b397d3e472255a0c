import { randomBytes } from 'node:crypto';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { FAILURES, type FailureCode } from 'wsproxy-engine';
import { echo, keepWaiting, refuseWith } from 'wsproxy-test-support/test-tunnel';
import { usePort } from '../port-fixture.js';

const fixture = usePort();
const ESTABLISHED = 'HTTP/1.1 200 Connection established\r\n\r\n';

function connectTo(authority: string, ...headers: string[]): string {
  return [`CONNECT ${authority} HTTP/1.1`, 'Host: example.org:443', ...headers, '', ''].join('\r\n');
}

describe('CONNECT', () => {
  it.each([
    ['example.org:443', 'example.org:443'],
    ['EXAMPLE.org.:443', 'example.org:443'],
    ['192.0.2.1:22', '192.0.2.1:22'],
    ['[2001:db8::1]:443', '[2001:db8::1]:443'],
  ])('to %s is answered with 200 and nothing else, then relayed', async (authority, target) => {
    const application = await fixture.send(connectTo(authority));
    expect(await application.until((text) => text.includes('\r\n\r\n'))).toBe(ESTABLISHED);
    application.send('ping').endHalf();
    const { text, end } = await application.closed();
    expect(text).toBe(`${ESTABLISHED}ping`);
    expect(end).toBe('closed');
    expect(fixture.tunnel.opened).toEqual([target]);
  });

  it.each([
    ['in HTTP/1.0, without Host', 'CONNECT example.org:443 HTTP/1.0\r\n\r\n'],
    ['in HTTP/1.1, without Host', 'CONNECT example.org:443 HTTP/1.1\r\n\r\n'],
    ['with a length of 0', connectTo('example.org:443', 'Content-Length: 0')],
    ['behind an empty line', `\r\n${connectTo('example.org:443')}`],
    ['with LF in place of every CRLF', connectTo('example.org:443').replaceAll('\r', '')],
  ])('is taken %s', async (_title, request) => {
    const application = await fixture.send(request);
    expect(await application.until((text) => text.includes('\r\n\r\n'))).toBe(ESTABLISHED);
  });

  it('waits with its answer until the server has dialled', async () => {
    let accept = () => {};
    const offered = new Promise<void>((resolve) => {
      fixture.tunnel.farEnd = (channel) => {
        keepWaiting(channel);
        accept = () => channel.accept();
        resolve();
      };
    });
    const application = await fixture.send(connectTo('example.org:443'));
    await offered;
    expect(application.text).toBe('');
    accept();
    expect(await application.until((text) => text !== '')).toBe(ESTABLISHED);
  });

  it('C1 forwards bytes of the same segment exactly once, before the target has answered', async () => {
    let accept = () => {};
    const arrived = new Promise<string>((resolve) => {
      fixture.tunnel.farEnd = (channel) => {
        accept = () => channel.accept();
        channel.start({
          onData(chunk) {
            resolve(chunk.toString());
            channel.write(Buffer.from(chunk));
          },
          onEnd: () => channel.end(),
          onReset() {},
          onWritable() {},
        });
      };
    });
    const application = await fixture.send(`${connectTo('example.org:443')}ClientHello`);
    expect(await arrived).toBe('ClientHello');
    accept();
    application.endHalf();
    expect((await application.closed()).text).toBe(`${ESTABLISHED}ClientHello`);
  });

  it.each([1, 7, 64])('C1 takes request and early data in slices of %i', async (size) => {
    const early = randomBytes(500);
    const input = Buffer.concat([Buffer.from(connectTo('example.org:443')), early]);
    const application = await fixture.connect();
    application.socket.setNoDelay(true);
    const write = (start: number): void => {
      if (start >= input.length) return void application.endHalf();
      application.socket.write(input.subarray(start, start + size), () => write(start + size));
    };
    write(0);
    const { bytes } = await application.closed();
    expect(bytes).toEqual(Buffer.concat([Buffer.from(ESTABLISHED), early]));
  });

  it('C7 goes to its target, no matter what Host says', async () => {
    const application = await fixture.send('CONNECT target.example:443 HTTP/1.1\r\nHost: other.example\r\n\r\n');
    await application.until((text) => text === ESTABLISHED);
    expect(fixture.tunnel.opened).toEqual(['target.example:443']);
  });

  it('C25 ignores Expect: there is no 100 before the answer', async () => {
    const application = await fixture.send(connectTo('example.org:443', 'Expect: 100-continue'));
    expect(await application.until((text) => text.includes('\r\n\r\n'))).toBe(ESTABLISHED);
  });
});

describe('a destination that speaks first', () => {
  beforeEach(() => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    fixture.tunnel.farEnd = (channel) => {
      channel.accept();
      channel.write(Buffer.from('banner'));
      echo(channel);
    };
  });
  afterEach(() => {
    vi.useRealTimers();
  });

  /** Time passes, a millisecond in each turn of the system. */
  async function pass(isOver: () => boolean): Promise<void> {
    while (!isOver()) {
      await vi.advanceTimersByTimeAsync(1);
      await new Promise((resolve) => setImmediate(resolve));
    }
  }

  it('is heard once the 200 was read', async () => {
    const application = await fixture.send(connectTo('example.org:443'));
    const reads: string[] = [];
    application.socket.on('data', (bytes: Buffer) => reads.push(String(bytes)));
    await pass(() => application.text.endsWith('banner'));
    expect(reads).toEqual([ESTABLISHED, 'banner']);
  });

  it('and ends at once is heard to end', async () => {
    fixture.tunnel.farEnd = (channel) => {
      channel.accept();
      channel.end();
    };
    const application = await fixture.send(connectTo('example.org:443'));
    let hasEnded = false;
    application.socket.once('end', () => {
      hasEnded = true;
    });
    await pass(() => hasEnded);
  });

  it('is heard at once by who has spoken since', async () => {
    const application = await fixture.send(connectTo('example.org:443'));
    await application.until((text) => text === ESTABLISHED);
    application.send('hello');
    expect(await application.until((text) => text.endsWith('hello'))).toBe(`${ESTABLISHED}bannerhello`);
  });

  it('is heard at once by who has spoken before', async () => {
    const application = await fixture.send(`${connectTo('example.org:443')}early`);
    expect(await application.until((text) => text.endsWith('early'))).toBe(`${ESTABLISHED}bannerearly`);
  });

  it('and resets at once is not heard by who has gone by then', async () => {
    const application = await fixture.send(connectTo('example.org:443'));
    await application.until((text) => text === ESTABLISHED);
    application.socket.resetAndDestroy();
    await pass(() => fixture.tunnel.channelCount === 0);
  });
});

describe('a CONNECT that cannot be taken', () => {
  const authorities = ['example.org', 'example.org:', ':443', ':', 'host:0', 'host:65536', 'host:-1', 'host:+80'];
  const more = [
    'host:0x50',
    'host:80abc',
    'host: 80',
    'host:080',
    'host :80',
    '::1:80',
    '[::1:80',
    '[::1]80',
    '127.1:80',
  ];
  const forms = ['http://example.org:80/', '/path', 'host:80/', 'host:80?query', 'host:80#part', 'user@host:80', '*'];
  const rows: [title: string, request: string, status: number][] = [
    ...[...authorities, ...more].map(
      (authority) => [`C3 ${authority}`, connectTo(authority), 400] satisfies [string, string, number],
    ),
    ...['user:password@host:80', ...forms].map(
      (authority) => [`C5 ${authority}`, connectTo(authority), 400] satisfies [string, string, number],
    ),
    ['C4 an empty target', 'CONNECT  HTTP/1.1\r\nHost: a\r\n\r\n', 400],
    ['C4 HTTP/0.9', 'CONNECT example.org:443\r\n\r\n', 400],
    ['C4 HTTP/2.0', 'CONNECT example.org:443 HTTP/2.0\r\nHost: a\r\n\r\n', 400],
    ['C7 two Hosts', connectTo('example.org:443', 'Host: example.org:443'), 400],
    ['C9 NUL in the target', connectTo('exam\0ple.org:443'), 400],
    ['a byte beyond ASCII in the target', connectTo('caf\u00e9.example:443'), 400],
    ['C10 one bare LF', connectTo('example.org:443').replace('\r', ''), 400],
    ['C10 one CR LF', connectTo('example.org:443').replaceAll('\r', '').replace('\n\n', '\n\r\n'), 400],
    ['C10 a bare CR', connectTo('example.org:443', 'X: a\rb'), 400],
    ['C10 a folded header', connectTo('example.org:443', 'X: a', ' b'), 400],
    ['C10 a space before the colon', connectTo('example.org:443', 'X : a'), 400],
    ['C11 a head of more than 64 KiB', connectTo('example.org:443', `X: ${'x'.repeat(65_536)}`), 431],
    ['C11 501 header fields', connectTo('example.org:443', ...Array.from({ length: 500 }, (_, i) => `X-${i}: x`)), 431],
    [
      'C11 2000 header fields',
      connectTo('example.org:443', ...Array.from({ length: 2000 }, (_, i) => `X${i}: x`)),
      431,
    ],
    ['C11 a method of 64 KiB', `${'C'.repeat(65_536)} example.org:443 HTTP/1.1\r\n\r\n`, 431],
    ['a length', connectTo('example.org:443', 'Content-Length: 5'), 400],
    ['a transfer coding', connectTo('example.org:443', 'Transfer-Encoding: chunked'), 400],
    ['a lower-case method', connectTo('example.org:443').replace('CONNECT', 'Connect'), 400],
  ];
  it.each(rows)('%s: is refused and the connection closed', async (_title, request, status) => {
    const application = await fixture.send(request);
    const { text, end } = await application.closed();
    expect(text).toMatch(new RegExp(`^HTTP/1\\.1 ${status} `));
    expect(text).toContain('\r\nConnection: close\r\n');
    expect(text).toContain('\r\nContent-Type: text/plain\r\n');
    expect(end).toBe('closed');
    expect(fixture.tunnel.opened).toEqual([]);
  });

  it('500 header fields are still taken', async () => {
    const headers = Array.from({ length: 499 }, (_, index) => `X-${index}: x`);
    const application = await fixture.send(connectTo('example.org:443', ...headers));
    expect(await application.until((text) => text !== '')).toBe(ESTABLISHED);
  });

  it.each([
    ['another CONNECT', connectTo('10.0.0.1:22')],
    ['a plain request', 'GET http://example.org/ HTTP/1.1\r\nHost: example.org\r\n\r\n'],
    ['a megabyte', 'x'.repeat(1 << 20)],
  ])('C14 drops %s pipelined behind it, after one answer', async (_title, pipelined) => {
    const application = await fixture.send(connectTo('example.org:0') + pipelined);
    const { text } = await application.closed();
    expect(text.match(/HTTP\/1\.1 /g)).toHaveLength(1);
    expect(fixture.tunnel.opened).toEqual([]);
  });
});

describe('a CONNECT that fails', () => {
  it.each(Object.keys(FAILURES) as FailureCode[])('C23 tells %s by status, Proxy-Status and text', async (code) => {
    fixture.tunnel.farEnd = refuseWith(code);
    const application = await fixture.send(`${connectTo('192.0.2.77:443')}ClientHello`);
    const { text, end } = await application.closed();
    const failure = FAILURES[code];
    const [head = '', body] = text.split('\r\n\r\n');
    expect(head).toMatch(new RegExp(`^HTTP/1\\.1 ${failure.http} `));
    expect(head.split('\r\n')).toContain(`Proxy-Status: wsproxy; error=${failure.proxyStatus}`);
    expect(head.split('\r\n')).toContain('Connection: close');
    expect(/^Retry-After: \d+$/m.test(head)).toBe(failure.http === 503);
    const speaker = /DENIED|LIMIT_REACHED|QUOTA_USED_UP|GOING_AWAY/.test(code) ? 'wsproxy-server' : 'wsproxy-client';
    expect(body).toBe(`${speaker}: 192.0.2.77:443: ${failure.text}\n`);
    expect(end).toBe('closed');
  });

  it('C14 drops what was pipelined behind it', async () => {
    fixture.tunnel.farEnd = refuseWith('DENIED');
    const application = await fixture.send(connectTo('example.org:443') + connectTo('10.0.0.1:22'));
    const { text } = await application.closed();
    expect(text.match(/HTTP\/1\.1 /g)).toHaveLength(1);
    expect(fixture.tunnel.opened).toEqual(['example.org:443']);
  });
});
