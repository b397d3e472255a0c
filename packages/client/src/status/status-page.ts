import { createServer, type IncomingMessage, type ServerResponse, STATUS_CODES } from 'node:http';
import { type AddressInfo, isIPv6 } from 'node:net';
import { setTimeout as pause } from 'node:timers/promises';
import { formatTarget, systemClock } from 'wsproxy-engine';
import { type Endpoint, type LocalPort, listenAt } from 'wsproxy-node/accept';
import { LOCAL_PAGE_HEADERS, refuseLocalPage } from 'wsproxy-node/pages';
import type { DestinationRule } from 'wsproxy-node/targets';
import type { Inspected } from '../inspect/seen/seeing.js';
import { Feed } from './feed.js';
import type { InspectionPages } from './inspection-pages.js';
import { type PageFile, readPageFiles } from './page-files.js';
import { proxyPac } from './proxy-pac.js';
import { type RecordedClient, Recorder } from './recorder.js';
import { snapshot } from './snapshot.js';
import { Watchers } from './watchers.js';

/**
 * Serves a page that shows how a client stands, `/status.json` and `/proxy.pac`. There is no password: who may connect is
 * decided by `at`. Rejects with the error of `net.Server` if it cannot listen, and with TypeError where too many could see too much.
 */
export async function serveStatus(source: StatusSource, at: Endpoint): Promise<LocalPort> {
  const listenHost = 'host' in at ? at.host : undefined;
  const inspection = source.inspected && (await loadInspectionPages(source.inspected, listenHost));
  const files = await readPageFiles(inspection !== undefined);
  const page = new StatusPage({ source, files, inspection, listenHost });
  const server = createServer(
    { headersTimeout: REQUEST_TIMEOUT, requestTimeout: REQUEST_TIMEOUT },
    (request, response) => page.answer(request, response),
  );
  server.maxConnections = MAX_CONNECTIONS;
  const port = await listenAt(server, at, () => server.closeAllConnections());
  page.start();
  server.once('close', () => page.stop());
  return port;
}

/** Those who look into nothing load nothing of it. */
async function loadInspectionPages(inspected: Inspected, listenHost: string | undefined): Promise<InspectionPages> {
  const { InspectionPages } = await import('./inspection-pages.js');
  return new InspectionPages(inspected, listenHost);
}

/** What is shown. */
export interface StatusSource extends RecordedClient {
  /** Asks the server for the quota that `status` shows, unless that was done a moment ago. Never rejects. */
  askQuota(): Promise<unknown>;
  /** Where SOCKS and HTTP is offered over TCP, if it is. */
  proxy(): AddressInfo | undefined;
  /** What the client dials past the tunnel. */
  readonly bypass: readonly DestinationRule[];
  /** What was seen of connections that the client looks into, if it does. */
  readonly inspected?: Inspected | undefined;
}

interface Parts {
  readonly source: StatusSource;
  readonly files: ReadonlyMap<string, PageFile>;
  readonly inspection: InspectionPages | undefined;
  readonly listenHost: string | undefined;
}

/** A tab needs about six to load, and one to watch. */
const MAX_CONNECTIONS = 64;
const REQUEST_TIMEOUT = 10_000;
/** So long a reader waits for the quota of now, ms; then it gets what is known. */
const QUOTA_PATIENCE = 1_000;

/** What paths are read against. */
const BASE = 'http://localhost';

const HEADERS = {
  ...LOCAL_PAGE_HEADERS,
  'Content-Security-Policy':
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; " +
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
  'Cross-Origin-Opener-Policy': 'same-origin',
  'Referrer-Policy': 'no-referrer',
} as const;

class StatusPage {
  readonly #source: StatusSource;
  readonly #files: ReadonlyMap<string, PageFile>;
  readonly #inspection: InspectionPages | undefined;
  readonly #listenHost: string | undefined;
  readonly #recorder: Recorder;
  readonly #feed: Feed;
  readonly #watchers = new Watchers();
  /** What has changed with the last look, for those who have seen all before. */
  #news = '';

  constructor({ source, files, inspection, listenHost }: Parts) {
    this.#source = source;
    this.#files = files;
    this.#inspection = inspection;
    this.#listenHost = listenHost;
    this.#recorder = new Recorder(source, systemClock, () => this.#tellWatchers());
    this.#feed = new Feed(this.#recorder);
  }

  start(): void {
    this.#recorder.start();
  }

  stop(): void {
    this.#recorder.stop();
    this.#inspection?.stop();
  }

  answer(request: IncomingMessage, response: ServerResponse): void {
    const path = request.url?.split('?', 1)[0] ?? '';
    // Of all that is served, only this changes anything.
    const isChange = request.method === 'POST' && this.#inspection?.changes(path) === true;
    const { headers, socket } = request;
    const refusal = refuseLocalPage(isChange ? { method: 'GET', headers, socket } : request, this.#listenHost);
    if (refusal !== undefined) return refuse(response, refusal);
    if (isChange) return this.#change(path, request, response);
    const file = this.#files.get(path);
    if (file !== undefined) return send(response, file.type, file.body);
    if (path === '/status.json') return void this.#sendSnapshot(request, response);
    if (path === '/proxy.pac') return this.#sendPac(request, response);
    if (path === '/events') return this.#watch(request, response);
    if (path.startsWith('/inspect')) return void this.#sendInspected(request, response).catch(() => response.destroy());
    refuse(response, 404);
  }

  async #sendSnapshot(request: IncomingMessage, response: ServerResponse): Promise<void> {
    await Promise.race([this.#source.askQuota(), pause(QUOTA_PATIENCE, undefined, { ref: false })]);
    send(response, 'application/json', this.#snapshot(request));
  }

  #snapshot(request: IncomingMessage): string {
    const clockMs = Math.round(systemClock.now());
    const moment = { status: this.#source.status(), clockMs, proxy: this.#proxyFor(request) };
    return `${JSON.stringify(snapshot(this.#recorder, moment))}\n`;
  }

  async #sendInspected({ url = '' }: IncomingMessage, response: ServerResponse): Promise<void> {
    if (this.#inspection === undefined || !URL.canParse(url, BASE)) return refuse(response, 404);
    for (const [name, value] of Object.entries(HEADERS)) response.setHeader(name, value);
    const answer = await this.#inspection.answer(new URL(url, BASE), response);
    if (answer === undefined) return;
    if (typeof answer === 'number') refuse(response, answer);
    else send(response, answer.type, answer.body);
  }

  #change(path: string, request: IncomingMessage, response: ServerResponse): void {
    const status = this.#inspection?.change(path, request) ?? 404;
    if (status !== 204) return refuse(response, status);
    // A body that it brings is not read.
    response.writeHead(204, { ...HEADERS, Connection: 'close' }).end();
  }

  #watch(request: IncomingMessage, response: ServerResponse): void {
    for (const [name, value] of Object.entries(HEADERS)) response.setHeader(name, value);
    response.setHeader('Content-Type', 'text/event-stream');
    // What happened while nobody watched is no news to the first one.
    if (this.#watchers.size === 0) this.#feed.next();
    if (!this.#watchers.add(response, this.#lookOf(request))) refuse(response, 503);
  }

  #lookOf(request: IncomingMessage): (isInStep: boolean) => string {
    let told: string | undefined;
    return (isInStep) => {
      const proxy = this.#proxyFor(request);
      const isKnown = isInStep && proxy === told;
      told = proxy;
      if (isKnown) return this.#news;
      return JSON.stringify({ ...this.#feed.whole(proxy), inspects: this.#inspection !== undefined });
    };
  }

  #tellWatchers(): void {
    if (this.#watchers.size === 0) return;
    void this.#source.askQuota();
    this.#news = JSON.stringify(this.#feed.next());
    this.#watchers.tellAll();
  }

  #sendPac(request: IncomingMessage, response: ServerResponse): void {
    const proxy = this.#proxyFor(request);
    if (proxy === undefined) return refuse(response, 404);
    send(response, 'application/x-ns-proxy-autoconfig', proxyPac(proxy, this.#source.bypass));
  }

  /** `host:port` of the proxy as the one who asks can reach it. */
  #proxyFor({ socket }: IncomingMessage): string | undefined {
    const address = this.#source.proxy();
    if (address === undefined) return undefined;
    const { address: host, port } = address;
    const arrival = socket.localAddress?.replace(/^::ffff:/, '') ?? '';
    if (host === '::') return formatTarget({ host: arrival, port });
    if (host === '0.0.0.0') return formatTarget({ host: isIPv6(arrival) ? '127.0.0.1' : arrival, port });
    return formatTarget({ host, port });
  }
}

function send(response: ServerResponse, type: string, body: string | Buffer): void {
  response.writeHead(200, { ...HEADERS, 'Content-Type': type, 'Content-Length': Buffer.byteLength(body) });
  response.end(body);
}

function refuse(response: ServerResponse, status: number): void {
  const body = `${STATUS_CODES[status]}\n`;
  response.writeHead(status, {
    ...HEADERS,
    'Content-Type': 'text/plain; charset=utf-8',
    'Content-Length': Buffer.byteLength(body),
    // A body that it brings is not read.
    Connection: 'close',
    // RFC 9110 section 15.5.6.
    ...(status === 405 && { Allow: 'GET' }),
  });
  response.end(body);
}
