import { createHash, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { readFileSync, writeFileSync } from 'node:fs';
import { createServer as createHttpServer, request, type Server } from 'node:http';
import { createSecureServer } from 'node:http2';
import { createServer } from 'node:https';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { describe, expect, test } from 'vitest';
import { WebSocket, WebSocketServer } from 'ws';
import { atEnd } from 'wsproxy-test-support/cleanup/at-end';
import { type Ended, run } from 'wsproxy-test-support/programs/program';
import { skipUnlessInstalled, skipWithout } from 'wsproxy-test-support/programs/skip-unless-installed';
import { until } from 'wsproxy-test-support/until';
import { type InspectedTunnel, startInspectedTunnel } from './inspected-tunnel.js';
import { listenOn } from './listen-on.js';

const SCRIPT = `
  export default {
    async onRequest(request) {
      if (new URL(request.url).pathname === '/made') return Response.json({ by: 'script' });
      if (new URL(request.url).pathname === '/ended') return Response.error();
      request.headers.set('X-By', 'script');
    },
    async onResponse(response, request) {
      if (!response.headers.get('content-type')?.startsWith('text/plain')) return;
      response.body = (await response.text()).replace('destination', 'script') + request.method;
    },
  }`;

/** A destination that sends back what it gets, or a text that is compressed. */
async function startDestination(tunnel: InspectedTunnel): Promise<number> {
  const server = createServer(tunnel.issue('DNS:localhost'), (asked, response) => {
    response.setHeader('X-By', asked.headers['x-by'] ?? 'nobody');
    if (asked.url !== '/text') return asked.pipe(response);
    response.writeHead(200, { 'content-type': 'text/plain', 'content-encoding': 'gzip' });
    return response.end(gzipSync('from the destination '));
  });
  return listenOn(server);
}

describe('curl', () => {
  skipUnlessInstalled('curl');

  function curl(tunnel: InspectedTunnel, ...args: readonly string[]): Promise<Ended> {
    const proxy = ['-x', `socks5h://127.0.0.1:${tunnel.port}`, '--cacert', tunnel.ca];
    return run('curl', ['-sS', '--noproxy', '', ...proxy, '-w', '%{http_version} %{http_code} %header{x-by}', ...args]);
  }

  test('gets what a script answers, and what it changes, on one connection', async () => {
    const tunnel = await startInspectedTunnel(['localhost'], SCRIPT);
    const origin = `https://localhost:${await startDestination(tunnel)}`;
    const { stdout, stderr } = await curl(
      ...([tunnel, `${origin}/made`, `${origin}/text`, '--compressed', `${origin}/made`] as const),
    );
    expect([stdout, stderr]).toEqual([
      '{"by":"script"}1.1 200 from the script GET1.1 200 script{"by":"script"}1.1 200 ',
      '',
    ]);
    await until('all are over', () => tunnel.watcher.exchanges.every(({ isOver }) => isOver));
    const parts = tunnel.watcher.exchanges.map(({ events }) => events.filter((event) => event.startsWith('scripted')));
    expect(parts).toEqual([['scripted answer'], ['scripted request', 'scripted answer'], ['scripted answer']]);
    // As the application got it.
    expect(tunnel.watcher.exchanges[1]?.response.toString()).toBe('from the script GET');
    expect(new Set(tunnel.watcher.exchanges.map(({ start }) => start.connection)).size).toBe(1);
  });

  test('sees the end of a connection that a script ends', async () => {
    const tunnel = await startInspectedTunnel(['localhost'], SCRIPT);
    const { code } = await curl(tunnel, `https://localhost:${await startDestination(tunnel)}/ended`);
    // It got nothing, or the connection was reset.
    expect([52, 56]).toContain(code);
  });

  test('passes bodies byte for byte that a script does not read', async () => {
    const tunnel = await startInspectedTunnel(['localhost'], SCRIPT);
    const port = await startDestination(tunnel);
    const [sent, got] = ['sent', 'got'].map((name) => join(tunnel.folder, name)) as [string, string];
    writeFileSync(sent, randomBytes(3_000_001));
    const { stdout, stderr } = await curl(tunnel, '--data-binary', `@${sent}`, '-o', got, `https://localhost:${port}/`);
    expect([stdout, stderr]).toEqual(['1.1 200 script', '']);
    const digest = (file: string): string => createHash('sha256').update(readFileSync(file)).digest('hex');
    expect(digest(got)).toBe(digest(sent));
  });

  test('that can speak HTTP/2 speaks HTTP/1.1 to a script; what speaks nothing else passes without it', async () => {
    const tunnel = await startInspectedTunnel(['localhost'], SCRIPT);
    const { cert, key } = tunnel.issue('DNS:localhost');
    const server = createSecureServer({ cert, key, allowHTTP1: true }, (asked, response) => {
      response.setHeader('X-By', asked.headers['x-by'] ?? 'nobody');
      response.end();
    });
    const url = `https://localhost:${await listenOn(server as unknown as Server)}/`;
    expect((await curl(tunnel, '--http2', url)).stdout).toBe('1.1 200 script');
    const plain = createHttpServer((_request, response) => response.end());
    plain.on('clientError', (_error, socket) => socket.end('no'));
    const plainUrl = `http://localhost:${await listenOn(plain)}/`;
    await curl(tunnel, '--http2-prior-knowledge', plainUrl);
    await curl(tunnel, '--http2-prior-knowledge', plainUrl);
    expect(tunnel.watcher.passed).toEqual(['localhost the script alone does not see it, since it speaks HTTP/2 alone']);
  });
});

test('Python gets what a script changes', async (context) => {
  skipWithout(context, 'python3');
  const tunnel = await startInspectedTunnel(['localhost'], SCRIPT);
  const url = `https://localhost:${await startDestination(tunnel)}/text`;
  const program = `import urllib.request; print(urllib.request.urlopen('${url}', b'x' * 100000, 20).read().decode())`;
  const env = { https_proxy: `http://127.0.0.1:${tunnel.port}`, no_proxy: '', SSL_CERT_FILE: tunnel.ca };
  expect(await run('python3', ['-c', program], { env })).toMatchObject({
    stdout: 'from the script POST\n',
    stderr: '',
  });
});

test('a hundred requests at once get their own answers', async () => {
  const tunnel = await startInspectedTunnel(
    ['localhost'],
    `export default {
      async onRequest(request) {
        const body = await request.text();
        await new Promise(setImmediate);
        request.body = body + ' ' + request.url.split('/').at(-1);
      },
      async onResponse(response) { response.body = (await response.text()) + '!'; },
    }`,
  );
  const server = createHttpServer((asked, response) => asked.pipe(response));
  const port = await listenOn(server);
  const agent = tunnel.client.agent();
  atEnd(() => agent.destroy());
  const answers = Array.from({ length: 100 }, async (_, n) => {
    const asking = request({ agent, host: 'localhost', port, path: `/${n}`, method: 'POST' });
    asking.end('sent');
    const [response] = await once(asking, 'response');
    return (await response.toArray()).join('');
  });
  expect(await Promise.all(answers)).toEqual(Array.from({ length: 100 }, (_, n) => `sent ${n}!`));
});

describe.each(['ws', 'wss'])('a WebSocket over %s', (scheme) => {
  test.each([false, true])(
    'whose messages a script changes, with an application that can compress: %s',
    async (deflate) => {
      const tunnel = await startInspectedTunnel(
        ['localhost'],
        `export default {
        onMessage(message) {
          if (message.data === 'drop') message.drop();
          else if (message.data === 'keep') return;
          else if (typeof message.data === 'string') message.data += ' ' + message.direction;
          else message.data = message.data.map((byte) => byte + 1);
        },
      }`,
      );
      const server = scheme === 'ws' ? createHttpServer() : createServer(tunnel.issue('DNS:localhost'));
      const webSockets = new WebSocketServer({
        server,
        perMessageDeflate: { threshold: 0 },
        handleProtocols: () => 'b',
      });
      webSockets.on('connection', (webSocket) => {
        webSocket.on('message', (data, isBinary) => webSocket.send(data, { binary: isBinary }));
      });
      atEnd(() => webSockets.close());
      const port = await listenOn(server);
      const webSocket = new WebSocket(`${scheme}://localhost:${port}/chat`, ['a', 'b'], {
        agent: tunnel.client.agent(),
        ca: readFileSync(tunnel.ca),
        perMessageDeflate: deflate,
      });
      await once(webSocket, 'open');
      expect([webSocket.protocol, webSocket.extensions]).toEqual(['b', '']);
      const long = 'long'.repeat(50_000);
      for (const data of ['drop', 'hello', 'keep', Buffer.from([1, 2]), long]) webSocket.send(data);
      webSocket.ping('beat');
      const got: string[] = [];
      webSocket.on('message', (data, isBinary) => got.push(isBinary ? (data as Buffer).toString('hex') : String(data)));
      const [beat] = await once(webSocket, 'pong');
      await until('all are back', () => got.length === 4);
      expect([String(beat), ...got]).toEqual(['beat', 'hello up down', 'keep', '0304', `${long} up down`]);
      webSocket.close(4321, 'done');
      expect(await once(webSocket, 'close')).toEqual([4321, Buffer.from('done')]);
      await until('it is over', () => tunnel.watcher.exchanges[0]?.isOver === true);
      const [seen] = tunnel.watcher.exchanges;
      expect(seen?.events).toEqual(['request ', 'head 101', 'scripted messages', 'over']);
      // As the application got them.
      expect(seen?.bytes('down').subarray(0, 15).toString('latin1')).toBe('\x81\x0dhello up down');
      expect(tunnel.watcher.passed).toEqual([]);
    },
  );
});
