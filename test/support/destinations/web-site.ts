import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import type { Server } from 'node:net';
import { pipeline } from 'node:stream';
import { WebSocketServer } from 'ws';
import type { Certificate } from '../certificate.js';
import { atEnd } from '../cleanup/at-end.js';
import { keystreamBytes, keystreamReadable } from '../keystream.js';
import { listenOn } from '../sockets/listen.js';

/** Images of one page. */
const IMAGES = 60;
const IMAGE_BYTES = 20_000;
/** Between two events of a stream, ms. */
const EVENT_INTERVAL = 20;

/** A site as browsers visit them, over HTTP and HTTPS. */
export interface WebSite {
  readonly port: number;
  readonly tlsPort: number;
  /** Event streams, and WebSockets, that were opened so far. */
  readonly streams: number;
  readonly webSockets: number;
  /** Bytes that have left on all connections. */
  readonly bytesSent: number;
}

/**
 * `/` counts what comes by an event stream and by WebSockets, plain and in TLS, in `#events`, `#ws` and `#wss`, or says
 * there what went wrong; `/images` says `all` in `#images` when all have come; `/download/SEED/LENGTH` is a file.
 */
export async function startWebSite({ key, cert }: Certificate): Promise<WebSite> {
  const site = new Site();
  const plain = await listenOn(site.watch(createServer(site.serve)));
  const tls = await listenOn(site.watch(createTlsServer({ key, cert }, site.serve)));
  site.tlsPort = tls.port;
  return Object.assign(site, { port: plain.port });
}

class Site {
  tlsPort = 0;
  streams = 0;
  webSockets = 0;
  readonly #counts: (() => number)[] = [];

  get bytesSent(): number {
    return this.#counts.reduce((sum, count) => sum + count(), 0);
  }

  watch<T extends Server>(server: T): T {
    server.prependListener('connection', (socket) => this.#counts.push(() => socket.bytesWritten));
    const webSockets = new WebSocketServer({ server: server as never });
    webSockets.on('connection', (webSocket) => {
      this.webSockets += 1;
      webSocket.on('error', () => {});
      webSocket.on('message', (message, isBinary) => webSocket.send(message, { binary: isBinary }));
    });
    return server;
  }

  readonly serve = (request: IncomingMessage, response: ServerResponse): void => {
    const [, place = '', name = '', length = ''] = (request.url ?? '').split('/');
    if (place === '') html(response, indexPage(this.tlsPort));
    else if (place === 'images') html(response, imagesPage());
    else if (place === 'image') image(response, name);
    else if (place === 'events') this.#stream(response);
    else if (place === 'download') {
      response.writeHead(200, { 'Content-Length': length, 'Content-Type': 'application/octet-stream' });
      pipeline(keystreamReadable(name, Number(length)), response, () => {});
    } else response.writeHead(204).end();
  };

  #stream(response: ServerResponse): void {
    this.streams += 1;
    response.writeHead(200, { 'Content-Type': 'text/event-stream' });
    let count = 0;
    const timer = setInterval(() => {
      count += 1;
      response.write(`data: ${count}\n\n`);
    }, EVENT_INTERVAL);
    const stop = (): void => clearInterval(timer);
    response.once('close', stop);
    atEnd(stop);
  }
}

function html(response: ServerResponse, body: string): void {
  response.writeHead(200, { 'Content-Type': 'text/html; charset=utf-8' }).end(`<!doctype html>${body}`);
}

function image(response: ServerResponse, name: string): void {
  const noise = keystreamBytes(name, IMAGE_BYTES / 2).toString('hex');
  response.writeHead(200, { 'Content-Type': 'image/svg+xml', 'Cache-Control': 'no-store' });
  response.end(`<svg xmlns="http://www.w3.org/2000/svg" width="8" height="8"><!-- ${noise} --></svg>`);
}

function imagesPage(): string {
  const images = Array.from({ length: IMAGES }, (_, i) => `<img src="/image/${i}" alt="">`).join('');
  return `<title>images</title>${images}<p id="images"></p><script>
const done = [...document.images].map((each) => each.decode());
Promise.all(done).then(() => 'all', String).then((text) => { document.getElementById('images').textContent = text; });
</script>`;
}

function indexPage(tlsPort: number): string {
  return `<title>site</title><a id="download" download href="/download/chromium/52428800">50 MiB</a>
<p id="events"></p><p id="ws"></p><p id="wss"></p><script>
function show(id) {
  let wrong;
  return (text, isWrong) => {
    if (isWrong) wrong ??= text;
    document.getElementById(id).textContent = wrong ?? text;
  };
}
const showEvents = show('events');
const events = new EventSource('/events');
let last = 0;
events.onmessage = ({ data }) => {
  if (Number(data) !== last + 1) showEvents(data + ' after ' + last, true);
  last = Number(data);
  showEvents(data);
};
events.onerror = () => showEvents('the stream broke after ' + last, true);

function echo(id, url) {
  const showEcho = show(id);
  const webSocket = new WebSocket(url);
  const text = (n) => n + ' ' + 'x'.repeat(2000);
  let count = 0;
  const send = () => webSocket.send(text(count));
  webSocket.onopen = send;
  webSocket.onmessage = ({ data }) => {
    if (data !== text(count)) showEcho('wrong echo of ' + count, true);
    count += 1;
    showEcho(String(count));
    setTimeout(send, 10);
  };
  webSocket.onclose = ({ code }) => showEcho('closed with ' + code + ' after ' + count, true);
}
echo('ws', 'ws://' + location.host + '/');
echo('wss', 'wss://' + location.hostname + ':${tlsPort}/');
</script>`;
}
