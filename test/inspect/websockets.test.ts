import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { createServer as createHttpServer, type Server } from 'node:http';
import { createServer as createHttpsServer } from 'node:https';
import { describe, expect, test } from 'vitest';
import { WebSocket, WebSocketServer } from 'ws';
import { atEnd } from 'wsproxy-test-support/cleanup/at-end';
import { until } from 'wsproxy-test-support/until';
import { startInspectedTunnel } from './inspected-tunnel.js';
import { listenOn } from './listen-on.js';

/** Sends back what comes. */
async function startEcho(server: Server): Promise<number> {
  const webSockets = new WebSocketServer({ server, perMessageDeflate: { threshold: 0 } });
  webSockets.on('connection', (webSocket) => {
    webSocket.on('message', (data, isBinary) => webSocket.send(data, { binary: isBinary }));
  });
  atEnd(() => webSockets.close());
  return listenOn(server);
}

describe.each(['ws', 'wss'])('a WebSocket over %s', (scheme) => {
  test.each([false, true])('passes and is seen, compressed: %s', async (perMessageDeflate) => {
    const tunnel = await startInspectedTunnel(['localhost']);
    const server = scheme === 'ws' ? createHttpServer() : createHttpsServer(tunnel.issue('DNS:localhost'));
    const port = await startEcho(server);
    const ca = readFileSync(tunnel.ca);
    const webSocket = new WebSocket(`${scheme}://localhost:${port}/chat`, {
      agent: tunnel.client.agent(),
      ca,
      perMessageDeflate,
    });
    await once(webSocket, 'open');
    const messages = ['hello', randomBytes(200_000).toString('hex'), ''];
    for (const message of messages) {
      webSocket.send(message);
      const [echo] = await once(webSocket, 'message');
      expect(String(echo)).toBe(message);
    }
    webSocket.close(1000, 'done');
    expect((await once(webSocket, 'close'))[0]).toBe(1000);
    await until('it is over', () => tunnel.watcher.exchanges[0]?.isOver === true);
    const [seen] = tunnel.watcher.exchanges;
    const [http, path] = [scheme === 'ws' ? 'http' : 'https', `://localhost:${port}/chat`];
    expect(tunnel.watcher.lines).toEqual([`GET ${http}${path} 101`]);
    expect(seen?.events).toEqual(['request ', 'head 101', 'over']);
    // Masked by the application, as it passed.
    const [up, down] = [seen?.bytes('up') ?? Buffer.alloc(0), seen?.bytes('down') ?? Buffer.alloc(0)];
    expect(up[0]).toBe(perMessageDeflate ? 0xc1 : 0x81);
    expect(down.subarray(0, 7).toString('latin1')).toMatch(perMessageDeflate ? /^\xc1/ : /^\x81\x05hello/);
    expect(down.subarray(-6).toString('latin1')).toBe('\x03\xe8done');
    expect(tunnel.watcher.passed).toEqual([]);
  });
});
