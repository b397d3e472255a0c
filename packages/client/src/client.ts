import { type Logger, silentLogger, systemClock } from 'wsproxy-protocol';
import { Connector, type ConnectorState } from './connector.js';
import { dialWebSocket } from './dial-websocket.js';
import { type LocalPort, listenLocal } from './listeners/local-port.js';
import { parseServerUrl } from './server-url.js';

export interface ClientOptions {
  /** `wss://host[:port]/path`, or `ws://` to loopback. */
  readonly url: string;
  /** Sent as a bearer token; 32 characters or more. */
  readonly token: string;
  /** Allows `ws://` to other than loopback, where everybody on the way reads the token. Default false. */
  readonly insecure?: boolean;
  /** How long channels survive without a connection, ms; default 120 000. */
  readonly grace?: number;
  /** WebSockets to spread the channels over, for paths that throttle or lose on each; 1 to 16, default 1. */
  readonly connections?: number;
  /** Answers applications before the destination was dialled; a failure is then a reset. Default false. */
  readonly optimistic?: boolean;
  /** Default: silent. */
  readonly logger?: Logger;
  readonly onState?: (state: ConnectorState, previous: ConnectorState) => void;
}

export interface ListenOptions {
  /** Address to listen on; default 127.0.0.1. */
  readonly host?: string;
  /** 0 lets the system choose. */
  readonly port: number;
}

const DEFAULT_GRACE = 120_000;
const MAX_CONNECTIONS = 16;

/** The local end of the tunnel. */
export class Client {
  readonly #connector: Connector;
  readonly #logger: Logger;
  readonly #ports: LocalPort[] = [];

  constructor(options: ClientOptions) {
    const url = parseServerUrl(options.url, options.insecure ?? false);
    this.#logger = options.logger ?? silentLogger;
    this.#connector = new Connector({
      dial: (signal) => dialWebSocket({ url, token: options.token }, signal),
      clock: systemClock,
      logger: this.#logger,
      grace: options.grace ?? DEFAULT_GRACE,
      connections: checkConnections(options.connections ?? 1),
      optimistic: options.optimistic ?? false,
      ...(options.onState !== undefined && { onState: options.onState }),
    });
  }

  get state(): ConnectorState {
    return this.#connector.state;
  }

  /** Living channels. */
  get channelCount(): number {
    return this.#connector.channelCount;
  }

  /** Resolves when the tunnel is up for the first time; rejects with ConnectError when it never can be. */
  connect(): Promise<void> {
    return this.#connector.start();
  }

  /** Does not wait for the next retry. */
  reconnectNow(): void {
    this.#connector.reconnectNow();
  }

  /** Offers SOCKS and HTTP proxying on a local port. */
  async listen(options: ListenOptions): Promise<LocalPort> {
    const { host = '127.0.0.1', port } = options;
    const localPort = await listenLocal(this.#connector, { host, port, logger: this.#logger });
    this.#ports.push(localPort);
    return localPort;
  }

  /** Ends local ports, channels and the connection. */
  async close(): Promise<void> {
    this.#connector.close();
    await Promise.all(this.#ports.map((port) => port.close()));
  }
}

function checkConnections(connections: number): number {
  if (Number.isInteger(connections) && connections >= 1 && connections <= MAX_CONNECTIONS) return connections;
  throw new TypeError(`connections must be a whole number from 1 to ${MAX_CONNECTIONS}, not ${connections}`);
}
