import type { AddressInfo } from 'node:net';
import { type Logger, silentLogger, systemClock, WebSocketTransport } from 'wsproxy-protocol';
import { createAuthenticator } from './authenticate.js';
import { createChannelHandler } from './channel-handler.js';
import { createDialer } from './dialer.js';
import { createFront, type Front } from './front.js';
import { createPolicy, type ListeningAddress } from './policy.js';
import { createResolver } from './resolver.js';
import { SessionRegistry } from './session-registry.js';

export interface ServerOptions {
  /** What clients must present; 32 characters or more. */
  readonly token: string;
  /** The one path that is served; default `/`. */
  readonly path?: string;
  /** Allows destinations on loopback, private and link-local addresses. Default false. */
  readonly allowPrivate?: boolean;
  /** How long a detached session is kept at most, ms; default 120 000. */
  readonly grace?: number;
  /** What all sessions may hold in memory for their channels together, bytes; default 1 GiB. */
  readonly memory?: number;
  /** Default: silent. */
  readonly logger?: Logger;
}

export interface ListenOptions {
  /** Address to listen on; default 127.0.0.1. */
  readonly host?: string;
  /** 0 lets the system choose. */
  readonly port: number;
}

const DEFAULT_GRACE = 120_000;
const DEFAULT_MEMORY = 1_073_741_824;

/** The far end of the tunnel. */
export class Server {
  readonly #front: Front;
  readonly #registry: SessionRegistry;
  readonly #listening: ListeningAddress[] = [];

  constructor(options: ServerOptions) {
    const { token, path = '/', allowPrivate = false, grace = DEFAULT_GRACE, logger = silentLogger } = options;
    const policy = createPolicy({ allowPrivate, listening: () => this.#listening });
    const dialer = createDialer({ policy, resolver: createResolver() });
    this.#registry = new SessionRegistry({
      clock: systemClock,
      logger,
      onChannel: createChannelHandler(dialer, logger),
      maxGrace: grace,
      processMemory: options.memory ?? DEFAULT_MEMORY,
    });
    this.#front = createFront({
      path,
      authenticate: createAuthenticator(token),
      onWebSocket: (webSocket, user, request) => {
        this.#registry.accept(new WebSocketTransport(webSocket, request.socket), user);
      },
      logger,
    });
  }

  /** Living sessions, attached or waiting to be resumed. */
  get sessionCount(): number {
    return this.#registry.size;
  }

  /** Living channels of all sessions. */
  get channelCount(): number {
    return this.#registry.channelCount;
  }

  /** Rejects with the system's error when the address cannot be had. */
  listen(options: ListenOptions): Promise<AddressInfo> {
    const { server } = this.#front;
    return new Promise((resolve, reject) => {
      server.once('error', reject);
      server.listen(options.port, options.host ?? '127.0.0.1', () => {
        server.off('error', reject);
        const address = server.address() as AddressInfo;
        this.#listening.push(address);
        resolve(address);
      });
    });
  }

  /**
   * Takes no more channels, and lets those there are finish, for `deadline` ms at most; detached sessions can still be
   * resumed meanwhile. Resolves with the number of channels that did not finish.
   */
  drain(deadline: number): Promise<number> {
    return this.#registry.drain(deadline);
  }

  /** Stops listening, ends every session; resolves when the last connection is gone. */
  async close(): Promise<void> {
    this.#registry.close();
    await this.#front.close();
  }
}
