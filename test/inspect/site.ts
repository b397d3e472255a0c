import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { createSecureServer } from 'node:http2';
import type { Server } from 'node:net';
import { buffer } from 'node:stream/consumers';
import { brotliCompressSync, gzipSync } from 'node:zlib';
import { WebSocketServer } from 'ws';
import type { Issued } from 'wsproxy-test-support/authority';
import { atEnd } from 'wsproxy-test-support/cleanup/at-end';
import { listenOn } from './listen-on.js';

export const PAGE = `<!doctype html><title>shop</title>${'<p>soap, salt, bread</p>'.repeat(500)}`;
export const DATA: string = JSON.stringify({ items: Array.from({ length: 500 }, (_, n) => ({ n, price: n / 8 })) });

/** Has a page, data, echoes, events, and a WebSocket that echoes; over TLS HTTP/2 too, if it has a certificate. */
export function startSite(issued?: Issued): Promise<number> {
  const answer = (request: IncomingMessage, response: ServerResponse): void => void answerTo(request, response);
  const server = (issued === undefined
    ? createServer(answer)
    : createSecureServer({ ...issued, allowHTTP1: true }, answer as never)) as unknown as Server;
  const sockets = new WebSocketServer({ server: server as never, perMessageDeflate: { threshold: 0 } });
  sockets.on('connection', (socket) =>
    socket.on('message', (data, isBinary) => socket.send(data, { binary: isBinary })),
  );
  atEnd(() => {
    for (const socket of sockets.clients) socket.terminate();
  });
  return listenOn(server);
}

async function answerTo(request: IncomingMessage, response: ServerResponse): Promise<void> {
  const body = await buffer(request);
  const { pathname } = new URL(request.url ?? '', 'http://site');
  if (pathname === '/') {
    const headers = { 'Content-Type': 'text/html', 'Content-Encoding': 'gzip', 'Set-Cookie': ['a=1', 'b=2; Path=/'] };
    response.writeHead(200, headers).end(gzipSync(PAGE));
  } else if (pathname === '/data') {
    const headers = { 'Content-Type': 'application/json', 'Content-Encoding': 'br', 'X-Mixed-Case': '1' };
    response.writeHead(200, headers).end(brotliCompressSync(DATA));
  } else if (pathname === '/echo') {
    response.writeHead(201, { 'Content-Type': request.headers['content-type'] ?? '' }).end(body);
  } else if (pathname === '/events') {
    response.writeHead(200, { 'Content-Type': 'text/event-stream' });
    for (const n of [1, 2, 3]) response.write(`id: ${n}\ndata: event ${n}\n\n`);
    response.end();
  } else {
    response.writeHead(404, { 'Content-Type': 'text/plain' }).end('nothing here');
  }
}
