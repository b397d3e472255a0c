import { createHash } from 'node:crypto';
import type { Socket } from 'node:net';
import { ProxyAgent, request } from 'undici';
import { describe, expect, test } from 'vitest';
import { startChromium } from 'wsproxy-test-support/programs/chromium';
import { run } from 'wsproxy-test-support/programs/program';
import { skipUnlessInstalled } from 'wsproxy-test-support/programs/skip-unless-installed';
import { connectedSockets } from 'wsproxy-test-support/sockets/connected-sockets';
import { type Listener, listen } from 'wsproxy-test-support/sockets/listen';
import { startSpeakingFirst } from 'wsproxy-test-support/sockets/speaking-first';
import { startTunnel } from 'wsproxy-test-support/tunnel';
import { peerHasRead } from '../../packages/node/src/sockets/peer-has-read.js';

/** What a program makes of a URL, with a proxy or without. */
type Program = (url: string, proxy: string | undefined) => Promise<string>;

const curl =
  (...args: string[]): Program =>
  async (url, proxy) => {
    const way = proxy === undefined ? ['--noproxy', '*'] : ['--proxy', proxy];
    const { stdout, code } = await run('curl', ['-sS', '-m', '8', ...way, ...args, url]);
    return `${code} ${stdout}`;
  };

const wget =
  (...args: string[]): Program =>
  async (url, proxy) => {
    const env = { ...(proxy === undefined ? {} : { http_proxy: proxy }), no_proxy: '' };
    const { stdout, code } = await run('wget', ['-q', '-T', '8', '-t', '1', '-O', '-', ...args, url], { env });
    return `${code} ${stdout}`;
  };

const URLLIB = `
import sys, urllib.request
proxies = {'http': sys.argv[2]} if sys.argv[2] else {}
opener = urllib.request.build_opener(urllib.request.ProxyHandler(proxies))
print(opener.open(sys.argv[1], timeout=8).read().decode('latin1'))
`;

const urllib: Program = async (url, proxy) => {
  const { stdout, code } = await run('python3', ['-c', URLLIB, url, proxy ?? '']);
  return `${code} ${stdout}`;
};

const undici: Program = async (url, proxy) => {
  const dispatcher = proxy === undefined ? undefined : new ProxyAgent({ uri: proxy, proxyTunnel: false });
  const { statusCode, body } = await request(url, dispatcher === undefined ? {} : { dispatcher });
  const text = await body.text();
  await dispatcher?.close();
  return `${statusCode} ${text}`;
};

/** Answers each request with its request line and some of its fields; keeps its connections. */
function startOrigin(): Promise<Listener> {
  return listen((socket) => {
    let text = '';
    socket.on('data', (chunk: Buffer) => {
      text += chunk.toString('latin1');
      for (let end = text.indexOf('\r\n\r\n'); end !== -1; end = text.indexOf('\r\n\r\n')) {
        const head = text.slice(0, end);
        const length = Number(/^content-length: (\d+)/im.exec(head)?.[1] ?? 0);
        if (text.length < end + 4 + length) return;
        text = text.slice(end + 4 + length);
        respond(socket, head);
      }
    });
    socket.on('end', () => socket.end());
  });
}

function respond(socket: Socket, head: string): void {
  const [line = '', ...fields] = head.split('\r\n');
  const kept = fields.filter((field) => /^(host|authorization|upgrade|x-)/i.test(field));
  const content = [line, ...kept.slice(0, 3), fields.length > 100 ? `${head.length > 20_000}` : ''].join('\n');
  socket.write(`HTTP/1.1 200 OK\r\nContent-Length: ${content.length}\r\n\r\n${content}`, 'latin1');
}

describe('a request reaches its origin through the HTTP proxy as it does without', () => {
  skipUnlessInstalled('curl');
  skipUnlessInstalled('wget');
  skipUnlessInstalled('python3');

  const large = Array.from({ length: 3 }, (_, index) => ['-H', `X-${index}: ${'c'.repeat(7_000)}`]).flat();
  const many = Array.from({ length: 120 }, (_, index) => ['-H', `X-${index}: 1`]).flat();
  test.each<[title: string, path: string, program: Program]>([
    ['curl, UTF-8 in path and query', 'straße?q=ü', curl()],
    ['curl, what no URI may hold', `a"b|c\\d^e\`f?g'h`, curl('--globoff')],
    ['curl, user and password', 'a', curl('-u', 'user:p@w')],
    ['curl, dots in the path', 'a/../b/./c', curl('--path-as-is')],
    ['curl, a method that Node does not know', 'a', curl('-X', 'BREW')],
    ['curl, a method in lower case', 'a', curl('-X', 'get')],
    ['curl, 21 KB of fields', 'a', curl(...large)],
    ['curl, 120 fields', 'a', curl(...many)],
    ['curl, two requests', '{a,b}', curl()],
    ['curl, HTTP/1.0', 'a', curl('-0')],
    ['curl, content', 'a', curl('-d', 'x=1')],
    ['curl, an expectation', 'a', curl('-H', 'Expect: 100-continue', '--expect100-timeout', '0.2', '-d', 'x=1')],
    ['curl, no Host', 'a', curl('-H', 'Host:', '-0')],
    ['wget, a page', 'a', wget()],
    ['wget, UTF-8', 'straße', wget('--no-iri')],
    ['urllib, a fragment', 'a#part', urllib],
    ['undici, a query', 'a?b#c', undici],
  ])('%s', async (_title, path, program) => {
    const [{ port }, origin] = await Promise.all([startTunnel(), startOrigin()]);
    const at = `127.0.0.1:${origin.port}`;
    const ask = (proxy: string | undefined) => program(`http://${at}/${path}`, proxy);
    const directly = await ask(undefined);
    expect(directly).toMatch(/HTTP\/1\.[01]\n|^[67] /);
    // The version is that of each connection, a proxy knows the Host of every request, and curl escapes bytes for origins.
    const plain = (text: string) =>
      text
        .replace(/HTTP\/1\.0/g, 'HTTP/1.1')
        .replace(/\nhost:.*/i, '')
        .replace(/(?:%[0-9a-f]{2})+/gi, decodeURIComponent);
    expect(plain(await ask(`http://127.0.0.1:${port}`))).toBe(plain(directly));
  });

  test('wget with user:password@, whose URI a proxy has to undo', async () => {
    const [{ port }, origin] = await Promise.all([startTunnel(), startOrigin()]);
    const url = `http://us%40er:pw@127.0.0.1:${origin.port}/a`;
    const env = { http_proxy: `http://127.0.0.1:${port}`, no_proxy: '' };
    const { stdout } = await run('wget', ['-q', '-t', '1', '-O', '-', '--auth-no-challenge', url], { env });
    const authorization = `Authorization: Basic ${Buffer.from('us@er:pw').toString('base64')}`;
    expect(stdout).toMatch(new RegExp(`^GET /a HTTP/1\\.1\n[^]*${authorization}`));
  });
});

describe('authentication that belongs to a connection', () => {
  skipUnlessInstalled('curl');

  /** NTLM as far as a proxy sees it: a challenge on a connection, and success behind it on the same one alone. */
  function startNtlm(): Promise<Listener> {
    const challenge = Buffer.alloc(56);
    challenge.write('NTLMSSP\0', 'latin1');
    challenge.writeUInt32LE(2, 8);
    challenge.writeUInt32LE(0x00008201, 20);
    return listen((socket) => {
      let step = 0;
      let text = '';
      socket.on('data', (chunk: Buffer) => {
        text += chunk.toString('latin1');
        if (!text.includes('\r\n\r\n')) return;
        const [, token = ''] = /^authorization: NTLM (\S+)/im.exec(text) ?? [];
        text = '';
        const type = token === '' ? 0 : Buffer.from(token, 'base64').readUInt32LE(8);
        step = type === step + 1 || (type === 3 && step === 1) ? type : 0;
        const answer = step === 1 ? `NTLM ${challenge.toString('base64')}` : 'NTLM';
        socket.write(
          step === 3
            ? 'HTTP/1.1 200 OK\r\nContent-Length: 7\r\n\r\nwelcome'
            : `HTTP/1.1 401 Unauthorized\r\nWWW-Authenticate: ${answer}\r\nContent-Length: 0\r\n\r\n`,
        );
      });
      socket.on('end', () => socket.end());
    });
  }

  test('lets curl in by NTLM', async () => {
    const [{ port }, origin] = await Promise.all([startTunnel(), startNtlm()]);
    const program = curl('--ntlm', '-u', 'user:password', '-d', 'x=1');
    const url = `http://127.0.0.1:${origin.port}/`;
    expect(await program(url, undefined)).toBe('0 welcome');
    expect(await program(url, `http://127.0.0.1:${port}`)).toBe('0 welcome');
  });
});

describe('a WebSocket without CONNECT', () => {
  skipUnlessInstalled('python3');

  const HANDSHAKE = `
import socket, sys
s = socket.create_connection(('127.0.0.1', int(sys.argv[1])), 8)
s.sendall(('GET %s HTTP/1.1\\r\\nHost: x\\r\\nConnection: keep-alive, Upgrade\\r\\nUpgrade: websocket\\r\\n'
  'Sec-WebSocket-Version: 13\\r\\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\\r\\n\\r\\n' % sys.argv[2]).encode())
seen = b''
while b'hello' not in seen:
  more = s.recv(4096)
  if not more: break
  seen += more
sys.stdout.write(seen.decode('latin1'))
`;

  test.each(['http', 'ws'])('switches at the origin of a %s URI', async (scheme) => {
    const origin = await listen((socket) => {
      socket.once('data', (head: Buffer) => {
        const [, key = ''] = /sec-websocket-key: *(\S+)/i.exec(head.toString()) ?? [];
        const accept = createHash('sha1').update(`${key}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`).digest('base64');
        const fields = `Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: ${accept}`;
        socket.write(`HTTP/1.1 101 Switching Protocols\r\n${fields}\r\n\r\n\x81\x05hello`, 'latin1');
        socket.on('end', () => socket.end()).resume();
      });
    });
    const { port } = await startTunnel();
    const { stdout } = await run('python3', ['-c', HANDSHAKE, `${port}`, `${scheme}://127.0.0.1:${origin.port}/`]);
    expect(stdout).toMatch(/^HTTP\/1\.1 101 [^]*Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK\+xOo=\r\n[^]*hello$/);
  });
});

describe('the 200 of CONNECT', () => {
  skipUnlessInstalled('python3');

  /** Ten programs that are busy with something else, and read late. */
  const LATE = `
import socket, sys, time
late = []
for _ in range(10):
  s = socket.create_connection(('127.0.0.1', int(sys.argv[1])), 8)
  s.sendall(('CONNECT 127.0.0.1:%s HTTP/1.1\\r\\n\\r\\n' % sys.argv[2]).encode())
  late.append(s)
time.sleep(0.3)
for s in late: print(s.recv(4096).decode(), end='')
for s in late: print(s.recv(4096).decode(), end='')
`;

  /** The system tells; it does not while other programs have left more connections, for a minute, than are looked through. */
  async function canBeSeen(): Promise<void> {
    const [ours, theirs] = await connectedSockets('TCP');
    await expect.poll(() => peerHasRead(ours), { timeout: 90_000, interval: 1_000 }).toBe(true);
    for (const socket of [ours, theirs]) socket.destroy();
  }

  test.runIf(process.platform === 'linux')('is read alone, however late it is read', { timeout: 120_000 }, async () => {
    await canBeSeen();
    const [{ port }, origin] = await Promise.all([startTunnel(), startSpeakingFirst('220 mail.example ESMTP\r\n')]);
    const { stdout } = await run('python3', ['-c', LATE, `${port}`, `${origin.port}`]);
    const established = 'HTTP/1.1 200 Connection established\r\n\r\n';
    expect(stdout).toBe(established.repeat(10) + '220 mail.example ESMTP\r\n'.repeat(10));
  });
});

describe('Chromium', () => {
  skipUnlessInstalled('chromium');

  test('finds the fault of a destination that speaks first, and none in the proxy', async () => {
    const [{ port }, origin] = await Promise.all([startTunnel(), startSpeakingFirst('220 mail.example ESMTP\r\n')]);
    const browser = await startChromium(`--proxy-server=http://127.0.0.1:${port}`);
    const page = await browser.newPage();
    const faults = new Set<string>();
    for (let count = 0; count < 20; count += 1) {
      const loaded = page.goto(`https://127.0.0.1:${origin.port}/${count}`);
      await loaded.catch((error: Error) => faults.add(/net::(\w+)/.exec(error.message)?.[1] ?? error.message));
    }
    expect([...faults]).toEqual(['ERR_SSL_PROTOCOL_ERROR']);
  });
});
