import type { Duplex } from 'node:stream';
import { WebSocket, WebSocketServer } from 'ws';
import { type LateWebSocket, lateWebSocket } from '../../internals/undocumented.js';
import type { Arrival } from '../transport-acceptor.js';
import { WEBSOCKET_LIMITS } from './websocket-limits.js';

/** Makes WebSockets of requests that are right: of upgrades (RFC 6455), and of streams of HTTP/2 (RFC 8441). */
export class Upgrades {
  readonly #options: UpgradesOptions;
  readonly #limits: object;
  readonly #server: WebSocketServer;

  constructor(options: UpgradesOptions) {
    const { limits = {}, headers = {}, isLate = false } = options;
    this.#options = options;
    this.#limits = { ...WEBSOCKET_LIMITS, ...limits };
    this.#server = new WebSocketServer({
      ...this.#limits,
      noServer: true,
      clientTracking: false,
      handleProtocols: (offered) => options.choose([...offered]) ?? false,
      ...(isLate && Late && { WebSocket: Late }),
    });
    const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}`);
    this.#server.on('headers', (head) => head.push(...lines));
  }

  accept(arrival: Arrival, handler: UpgradeHandler): void {
    if ('stream' in arrival) return this.#acceptStream(arrival, handler);
    if (!('socket' in arrival)) return handler.onRefused(400);
    const { request, socket, head } = arrival;
    // `ws` looks at method, version and key at once, and says so at once.
    const onClientError = (): void => handler.onRefused(request.method === 'GET' ? 400 : 405);
    this.#server.once('wsClientError', onClientError);
    this.#server.handleUpgrade(request, socket, head, (ws) => handler.onUpgraded(ws, socket));
    this.#server.off('wsClientError', onClientError);
  }

  /** RFC 8441 section 5.1: there is no key, and 200 takes the place of 101. */
  #acceptStream({ request, stream }: Extract<Arrival, { stream: unknown }>, handler: UpgradeHandler): void {
    if (Late === undefined) return handler.onRefused(400);
    const offered = (request.headers['sec-websocket-protocol'] ?? '').split(',').map((name) => name.trim());
    const protocol = this.#options.choose(offered.filter((name) => name !== ''));
    const { headers } = this.#options;
    stream.respond({ ':status': 200, ...(protocol && { 'sec-websocket-protocol': protocol }), ...headers });
    const Made = Late as unknown as LateClass;
    handler.onStream(new Made(null, undefined, { ...this.#limits, autoPong: true }), stream);
  }
}

const Late = lateWebSocket(WebSocket);

type LateClass = new (address: null, protocols: undefined, options: object) => LateWebSocket<WebSocket>;

/** Whether there are WebSockets over HTTP/2: `ws` has no other door for them. */
export const takesHttp2: boolean = Late !== undefined;

interface UpgradesOptions {
  /** Of `ws`, beside those of all WebSockets here. */
  readonly limits?: { readonly maxPayload: number };
  /** Of each answer that makes one, and of no other. */
  readonly headers?: Readonly<Record<string, string>>;
  /** Which of the subprotocols that a request offers is spoken; undefined for none. */
  readonly choose: (offered: readonly string[]) => string | undefined;
  /** What an upgrade gives is a `LateWebSocket`, where there are such. */
  readonly isLate?: boolean;
}

interface UpgradeHandler {
  /** Nothing was read yet. `connection`: what it is on. */
  readonly onUpgraded: (ws: WebSocket, connection: Duplex) => void;
  /** It is to be begun on `stream`. */
  readonly onStream: (late: LateWebSocket<WebSocket>, stream: Duplex) => void;
  /** It is no right request after all; it is still to be answered, with this status. */
  readonly onRefused: (status: 400 | 405) => void;
}
