import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { createSecureServer, type Http2SecureServer, type Http2ServerResponse } from 'node:http2';
import type { Duplex } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { brotliCompressSync, gzipSync } from 'node:zlib';
import { WebSocket, WebSocketServer } from 'ws';
import type { Issued } from 'wsproxy-test-support/authority';
import { atEnd } from 'wsproxy-test-support/cleanup/at-end';
import { listenOn } from './listen-on.js';

export const PAGE = `<!doctype html><title>shop</title>${'<p>soap, salt, bread</p>'.repeat(500)}`;
export const DATA: string = JSON.stringify({ items: Array.from({ length: 500 }, (_, n) => ({ n, price: n / 8 })) });

/** Has a page, data, echoes, events, and a WebSocket that echoes; with a certificate over TLS, by HTTP/2 too (RFC 8441). */
export function startSite(issued?: Issued): Promise<number> {
  const answer = (request: IncomingMessage, response: ServerResponse): void => void answerTo(request, response);
  const server = issued === undefined ? createServer(answer) : createTlsServer(issued, answer);
  const sockets = new WebSocketServer({ server: server as Server, perMessageDeflate: { threshold: 0 } });
  sockets.on('connection', echo);
  atEnd(() => {
    for (const socket of sockets.clients) socket.terminate();
  });
  return listenOn(server);
}

type Answer = (request: IncomingMessage, response: ServerResponse) => void;

function createTlsServer({ cert, key }: Issued, answer: Answer): Http2SecureServer {
  const options = { cert, key, allowHTTP1: true, settings: { enableConnectProtocol: true } };
  const server = createSecureServer(options, answer as never);
  server.on('connect', (_request: unknown, { stream }: Http2ServerResponse) => {
    stream.respond({ ':status': 200 });
    // `ws` has no public door for it.
    const LateWebSocket = WebSocket as unknown as new (address: null, protocols: undefined, options: object) => Late;
    const webSocket = new LateWebSocket(null, undefined, { autoPong: true });
    webSocket.setSocket(stream, Buffer.alloc(0), {});
    echo(webSocket);
  });
  return server;
}

interface Late extends WebSocket {
  setSocket(stream: Duplex, head: Buffer, options: object): void;
}

function echo(webSocket: WebSocket): void {
  webSocket.on('message', (data, isBinary) => webSocket.send(data, { binary: isBinary }));
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
