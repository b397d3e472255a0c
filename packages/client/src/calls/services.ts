import { checkServiceName, type OfferedChannel } from 'wsproxy-engine';
import { type KeepAwakeFor, TunnelSocket } from '../sockets/tunnel-socket.js';
import type { ChannelLedger } from '../tunnel/channel-ledger.js';
import type { KeepAwake } from '../tunnel/keep-awake.js';

/** What the program has registered for calls of servers, by its name. Nothing else is ever called, and nothing is dialled for a call. */
export class Services {
  readonly #options: ServicesOptions;
  readonly #services = new Map<string, Service>();

  constructor(options: ServicesOptions) {
    this.#options = options;
  }

  get size(): number {
    return this.#services.size;
  }

  /** As `Client.onIncoming`. */
  register(name: string, onConnection: OnIncoming, { allowHalfOpen = false }: IncomingOptions = {}): () => void {
    checkServiceName(name);
    if (this.#services.has(name)) throw new TypeError(`the service ${JSON.stringify(name)} is registered already`);
    const service = { onConnection, allowHalfOpen };
    this.#services.set(name, service);
    this.#options.awake.hold(service);
    return () => {
      this.#options.awake.release(service);
      if (this.#services.get(name) === service) this.#services.delete(name);
    };
  }

  /** A server calls `name`. */
  take(channel: OfferedChannel, name: string): void {
    const service = this.#services.get(name);
    if (service === undefined) return channel.refuse('DENIED');
    const { channels, keepAwakeFor: keepAwake } = this.#options;
    const tellOpen = channels.admitCall(channel, name);
    channel.accept();
    tellOpen();
    const arrived = { channel, peer: undefined, local: undefined };
    const { allowHalfOpen, onConnection } = service;
    const socket = new TunnelSocket(undefined, { allowHalfOpen, keepAwake, errors: 'system', arrived });
    onConnection(socket);
  }

  /** Takes no more calls; those that were taken live on. */
  close(): void {
    for (const service of this.#services.values()) this.#options.awake.release(service);
    this.#services.clear();
  }
}

/** Takes what a server has opened to a service. */
export type OnIncoming = (socket: TunnelSocket) => void;

export interface IncomingOptions {
  /** As of `net.createServer`, default false: the own half of a connection ends when the server has ended its half. */
  readonly allowHalfOpen?: boolean | undefined;
}

export interface ServicesOptions {
  readonly channels: ChannelLedger;
  readonly awake: KeepAwake;
  readonly keepAwakeFor: KeepAwakeFor;
}

interface Service {
  readonly onConnection: OnIncoming;
  readonly allowHalfOpen: boolean;
}
