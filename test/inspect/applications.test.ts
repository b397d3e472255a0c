import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import type { IncomingMessage } from 'node:http';
import { createServer as createHttpServer } from 'node:http';
import { createSecureServer } from 'node:http2';
import { createServer as createHttpsServer, request } from 'node:https';
import type { Server } from 'node:net';
import { text } from 'node:stream/consumers';
import type { TLSSocket } from 'node:tls';
import { describe, expect, test } from 'vitest';
import { run } from 'wsproxy-test-support/programs/program';
import { skipWithout } from 'wsproxy-test-support/programs/skip-unless-installed';
import { until } from 'wsproxy-test-support/until';
import { startInspectedTunnel } from './inspected-tunnel.js';
import { listenOn } from './listen-on.js';

describe('what applications say over TLS is seen', () => {
  test('of Node, with requests one after the other on a connection', async () => {
    const tunnel = await startInspectedTunnel(['localhost']);
    const port = await listenOn(
      createHttpsServer(tunnel.issue('DNS:localhost'), (asked, response) => void response.end(asked.url)),
    );
    const agent = tunnel.client.agent({ keepAlive: true, maxSockets: 1 });
    for (const path of ['/1', '/2']) {
      const asking = request({ host: 'localhost', port, path, agent, ca: readFileSync(tunnel.ca) }).end();
      const [response] = (await once(asking, 'response')) as [IncomingMessage];
      expect(await text(response)).toBe(path);
    }
    agent.destroy();
    expect(
      tunnel.watcher.exchanges.map(({ start, response }) => [start.connection, start.isSecure, String(response)]),
    ).toEqual(['/1', '/2'].map((path) => [tunnel.watcher.exchanges[0]?.start.connection, true, path]));
  });

  test('of Python', async (context) => {
    skipWithout(context, 'python3');
    const tunnel = await startInspectedTunnel(['localhost']);
    const port = await listenOn(
      createHttpsServer(tunnel.issue('DNS:localhost'), (asked, response) => void asked.pipe(response)),
    );
    const script = `
import sys, urllib.request
print(urllib.request.urlopen('https://localhost:${port}/', b'x' * 100000, 20).read() == b'x' * 100000)`;
    const env = { https_proxy: `http://127.0.0.1:${tunnel.port}`, no_proxy: '', SSL_CERT_FILE: tunnel.ca };
    expect(await run('python3', ['-c', script], { env })).toMatchObject({ stdout: 'True\n', stderr: '' });
    expect(tunnel.watcher.lines).toEqual([`POST https://localhost:${port}/ 200`]);
    expect(tunnel.watcher.exchanges[0]?.response.length).toBe(100_000);
  });

  test('without TLS through the HTTP proxy, as the destination gets it', async () => {
    const tunnel = await startInspectedTunnel(['localhost']);
    const port = await listenOn(
      createHttpServer((asked, response) => {
        response.writeEarlyHints({ link: '</x>; rel=preload' });
        response.writeHead(200, ['A', '1', 'a', '2']).end(asked.rawHeaders.join());
      }),
    );
    const { stdout } = await run('curl', [
      '-sS',
      '--noproxy',
      '',
      '-x',
      `http://127.0.0.1:${tunnel.port}`,
      '-H',
      'fOO: bar',
      `http://localhost:${port}/`,
    ]);
    expect(stdout).toContain('fOO,bar');
    const [seen] = tunnel.watcher.exchanges;
    expect(seen?.start.headers.join()).toBe(stdout);
    expect(seen?.headers.join()).toContain('A,1,a,2');
    expect(seen?.events).toEqual(['request ', 'information 103', 'head 200', 'response ', 'over']);
  });

  test.each(['--http1.1', '--http2'])('is cut for the application as the destination cuts it, %s', async (version) => {
    const tunnel = await startInspectedTunnel(['localhost']);
    const sockets: TLSSocket[] = [];
    const server = createSecureServer({ ...tunnel.issue('DNS:localhost'), allowHTTP1: true }, (_asked, response) => {
      response.writeHead(200, { 'Content-Length': '1000' });
      response.write('half');
    });
    server.on('secureConnection', (socket) => void sockets.push(socket)).on('sessionError', () => {});
    const port = await listenOn(server as unknown as Server);
    const args = ['-sS', version, '--noproxy', '', '-x', `socks5h://127.0.0.1:${tunnel.port}`, '--cacert', tunnel.ca];
    const got = run('curl', [...args, `https://localhost:${port}/`]);
    await until('half has come', () => tunnel.watcher.exchanges[0]?.response.toString() === 'half');
    sockets[0]?.destroy();
    // RFC 9112 section 8: a response that is not complete is an error.
    expect((await got).code).toBeGreaterThan(0);
    await until('it is over', () => tunnel.watcher.exchanges[0]?.isOver === true);
    expect(tunnel.watcher.exchanges[0]?.events.at(-1)).toMatch(/^over: the (connection|destination) has ended/);
  });
});
