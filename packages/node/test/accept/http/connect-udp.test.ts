import { createHash } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { FAILURES, type FailureCode, silentLogger } from 'wsproxy-engine';
import { encodeCapsule } from '../../../src/accept/udp/capsules.js';
import { message } from '../forward-fixture.js';
import { usePort } from '../port-fixture.js';

const infos: [object, string][] = [];
const fixture = usePort({ logger: { ...silentLogger, info: (...line) => infos.push(line) } });
const UPGRADED = message(
  'HTTP/1.1 101 Switching Protocols',
  'Connection: Upgrade',
  'Upgrade: connect-udp',
  'Capsule-Protocol: ?1',
);

function ask(uri: string, ...headers: string[]): string {
  const fields = ['Host: proxy:1080', 'Connection: Upgrade', 'Upgrade: connect-udp', 'Capsule-Protocol: ?1'];
  return message(`GET ${uri} HTTP/1.1`, ...fields, ...headers);
}

const udp = (host: string, port: string | number = 53) => `/.well-known/masque/udp/${host}/${port}/`;
const text = (bytes: string) => encodeCapsule(Buffer.from(bytes)).toString('latin1');

async function open(uri = udp('192.0.2.1')) {
  const application = await fixture.send(ask(uri));
  await application.until((all) => all === UPGRADED);
  return { application, flow: fixture.flows.last };
}

describe('CONNECT-UDP', () => {
  it.each([
    ['a name', udp('Example.ORG', 443), 'example.org', 443],
    ['IPv4', udp('192.0.2.1'), '192.0.2.1', 53],
    ['IPv6', udp('2001%3Adb8%3a%3A42', 443), '2001:db8::42', 443],
    ['IPv6 that is not encoded', udp('2001:db8::42'), '2001:db8::42', 53],
    ['a name beyond ASCII', udp('b%C3%BCcher.example'), 'xn--bcher-kva.example', 53],
    ['an encoded port', udp('a.example', '%35%33'), 'a.example', 53],
    ['a path without a slash at its end', '/.well-known/masque/udp/a.example/53', 'a.example', 53],
    ['a URI of http', `http://proxy:1080${udp('a.example')}`, 'a.example', 53],
    ['a URI of https', `https://proxy.lan:1080${udp('a.example')}`, 'a.example', 53],
  ])('to %s is answered with 101, and carries datagrams both ways', async (_title, uri, host, port) => {
    const { application, flow } = await open(uri);
    expect(flow.target).toEqual({ host, port });
    application.send(text('ping') + text(''));
    await expect.poll(() => flow.sent).toEqual(['ping', '']);
    flow.deliver('pong');
    flow.deliver('');
    await application.until((all) => all === UPGRADED + text('pong') + text(''));
  });

  it('takes capsules in any slices, and skips what it does not know', async () => {
    const { application, flow } = await open();
    application.socket.setNoDelay(true);
    const bytes = Buffer.concat([
      encodeCapsule(Buffer.from('one')),
      Buffer.from('21037878780002017a', 'hex'),
      encodeCapsule(Buffer.alloc(1_200, 'x')),
    ]);
    for (const byte of bytes) application.send([byte]);
    await expect.poll(() => flow.sent).toEqual(['one', 'x'.repeat(1_200)]);
  });

  it('is answered once the server has opened the flow, and reads no capsule before', async () => {
    fixture.flows.answer = 'wait';
    const application = await fixture.send(ask(udp('192.0.2.1')) + text('early'));
    application.send(text('later'));
    await expect.poll(() => fixture.flows.flows.length).toBe(1);
    expect([application.text, fixture.flows.last.sent]).toEqual(['', []]);
    fixture.flows.last.open();
    await application.until((all) => all === UPGRADED);
    await expect.poll(() => fixture.flows.last.sent).toEqual(['early', 'later']);
  });

  it.each<FailureCode>(['DENIED', 'NAME_NOT_FOUND', 'UNSUPPORTED', 'TUNNEL_DOWN', 'LIMIT_REACHED'])(
    'that fails with %s is answered with its status, and the connection closes',
    async (code) => {
      fixture.flows.answer = code;
      const { text, end } = await (await fixture.send(ask(udp('a.example')))).closed();
      const { http, proxyStatus, text: words } = FAILURES[code];
      expect(text).toMatch(new RegExp(`^HTTP/1\\.1 ${http} `));
      expect(text).toContain(`\r\nProxy-Status: wsproxy; error=${proxyStatus}\r\n`);
      expect(text).toContain(`a.example:53: ${words}\n`);
      expect(end).toBe('closed');
    },
  );

  it('is offered in the log of the tunnel by its kind', async () => {
    const { flow } = await open();
    expect(flow.kind).toBe('connect-udp');
  });
});

describe('a request for CONNECT-UDP that cannot be taken', () => {
  const post = ask(udp('a.example')).replace('GET', 'POST');
  it.each([
    ['with another method', post, 400],
    ['with content', ask(udp('a.example'), 'Content-Length: 5'), 400],
    ['with two Hosts', ask(udp('a.example'), 'Host: b'), 400],
    ['for port 0', ask(udp('a.example', 0)), 400],
    ['for port 65536', ask(udp('a.example', 65_536)), 400],
    ['without a port', ask('/.well-known/masque/udp/a.example/'), 400],
    ['for no host', ask(udp('')), 400],
    ['for an address in another spelling', ask(udp('127.1')), 400],
    ['for a name with NUL', ask(udp('a%00b')), 400],
    ['for a slash that is encoded', ask(udp('a%2Fb')), 400],
    ['for a zone', ask(udp('fe80%3A%3A1%25eth0')), 400],
    ['for any peer', ask(udp('%2A', '%2A')), 400],
    ['for another path', ask('/udp/a.example/53/'), 400],
    ['with a query', ask(`${udp('a.example')}?a`), 400],
    ['of a page', ask(udp('a.example'), 'Origin: https://page.example'), 403],
    ['of HTTP/1.0', ask(udp('a.example')).replace('HTTP/1.1', 'HTTP/1.0'), 403],
  ])('%s: is refused and the connection closed', async (_title, request, status) => {
    const { text, end } = await (await fixture.send(request)).closed();
    expect(text).toMatch(new RegExp(`^HTTP/1\\.1 ${status} `));
    expect([end, fixture.flows.flows.length, fixture.tunnel.opened]).toEqual(['closed', 0, []]);
  });

  it('is not looked at behind a request that had no answer', async () => {
    const { text } = await (await fixture.send(`${message('OPTIONS * HTTP/1.1', 'Host: a')}${ask(udp('a'))}`)).closed();
    expect(text).toMatch(/^HTTP\/1\.1 200 /);
    expect(fixture.flows.flows).toEqual([]);
  });

  it('to an origin that serves it elsewhere goes there', async () => {
    await fixture.send(ask('http://origin.example/masque/a.example/53/'));
    await expect.poll(() => fixture.tunnel.opened).toEqual(['origin.example:80']);
    expect(fixture.flows.flows).toEqual([]);
  });
});

describe('CONNECT-UDP at a port with users', () => {
  const closed = usePort({ users: [{ name: 'ann', sha256: createHash('sha256').update('one').digest('hex') }] });
  const by = (password: string) => ask(udp('a.example'), `Proxy-Authorization: Basic ${btoa(`ann:${password}`)}`);

  it.each([
    ['without a password', ask(udp('a.example'))],
    ['with a wrong one', by('two')],
    ['with one for an origin', ask(udp('a.example'), `Authorization: Basic ${btoa('ann:one')}`)],
  ])('is answered with 407 %s', async (_title, request) => {
    const { text, end } = await (await closed.send(request)).closed();
    expect(text).toMatch(/^HTTP\/1\.1 407 [^]*\r\nProxy-Authenticate: Basic /);
    expect([end, closed.flows.flows]).toEqual(['closed', []]);
  });

  it('is taken with the right one', async () => {
    const application = await closed.send(by('one'));
    expect(await application.until((text) => text.endsWith('\r\n\r\n'))).toBe(UPGRADED);
  });
});

describe('the two ends of a tunnel for UDP', () => {
  it('the application ends its half: the flow is over, and the connection closes', async () => {
    const { application, flow } = await open();
    const { end } = await application.endHalf().closed();
    expect([end, flow.figures.failure]).toEqual(['closed', 'CANCELLED']);
  });

  it('the application resets: the flow is over', async () => {
    const { application, flow } = await open();
    application.socket.resetAndDestroy();
    await expect.poll(() => flow.figures.failure).toBe('CANCELLED');
  });

  it('the application resets before the flow is open: it is given up', async () => {
    fixture.flows.answer = 'wait';
    const application = await fixture.send(ask(udp('192.0.2.1')));
    await expect.poll(() => fixture.flows.flows.length).toBe(1);
    application.socket.resetAndDestroy();
    await expect.poll(() => fixture.flows.last.figures.failure, { timeout: 3_000 }).toBe('CANCELLED');
  });

  it('the server ends the flow: the connection closes', async () => {
    const { application, flow } = await open();
    flow.close('TIMED_OUT');
    expect((await application.closed()).end).toBe('closed');
  });

  it.each([
    ['a capsule that is too long', Buffer.from('21c0000fffffffffff', 'hex')],
    ['a datagram without a context', Buffer.from('0000', 'hex')],
  ])('%s ends both', async (_title, bytes) => {
    const { application, flow } = await open();
    application.send(bytes);
    expect((await application.closed()).end).toBe('reset');
    expect(flow.figures.failure).toBe('CANCELLED');
  });
});

describe('a datagram', () => {
  it.each([
    ['192.0.2.1', 1_472],
    ['2001:db8::1', 1_452],
    ['a.example', 1_452],
    ['127.0.0.1', 65_527],
    ['::1', 65_527],
    ['localhost', 65_527],
  ])('to %s of more than %i bytes is dropped: a proxy does not fragment', async (host, longest) => {
    const { application, flow } = await open(udp(encodeURIComponent(host)));
    if (longest < 65_527) application.send(encodeCapsule(Buffer.alloc(longest + 1)));
    application.send(encodeCapsule(Buffer.alloc(longest)));
    await expect.poll(() => flow.sent.map((text) => text.length)).toEqual([longest]);
  });

  it('that is dropped is told with its destination, once', async () => {
    const { application, flow } = await open();
    infos.length = 0;
    const long = encodeCapsule(Buffer.alloc(1_473));
    application.send(Buffer.concat([long, long, encodeCapsule(Buffer.from('last'))]));
    await expect.poll(() => flow.sent).toEqual(['last']);
    expect(infos).toMatchObject([[{ target: '192.0.2.1:53', reason: 'too long' }, 'datagram dropped']]);
  });

  it('is dropped for an application that does not read, and nobody waits for it', async () => {
    const { application, flow } = await open();
    application.socket.pause();
    for (let i = 0; i < 50_000; i++) flow.deliver(Buffer.alloc(1_400, 'x'));
    flow.deliver(Buffer.alloc(1_400, 'y'));
    application.socket.resume();
    await expect
      .poll(() => {
        flow.deliver('late');
        return application.text.endsWith('late');
      })
      .toBe(true);
    expect(application.bytes.length).toBeLessThan(1_000_000);
    expect(application.text.includes('yyy')).toBe(false);
  });
});
