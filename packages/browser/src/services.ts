import { checkServiceName, type OfferedChannel } from 'wsproxy-engine';
import { ChannelStreams } from './channel-streams.js';
import type { OpenConnection } from './connection.js';

/** What the page has registered for calls of the server, by its name. Nothing else is ever called. */
export class Services {
  readonly #services = new Map<string, OnIncoming>();

  get size(): number {
    return this.#services.size;
  }

  /** As `Client.onIncoming`. */
  register(name: string, onConnection: OnIncoming): () => void {
    checkServiceName(name);
    if (this.#services.has(name)) throw new TypeError(`the service ${JSON.stringify(name)} is registered already`);
    this.#services.set(name, onConnection);
    return () => {
      if (this.#services.get(name) === onConnection) this.#services.delete(name);
    };
  }

  /** The server calls `name`. */
  take(channel: OfferedChannel, name: string): void {
    const onConnection = this.#services.get(name);
    if (onConnection === undefined) return channel.refuse('DENIED');
    channel.accept();
    void onConnection(new ChannelStreams(channel));
  }

  close(): void {
    this.#services.clear();
  }
}

/** Takes a connection that the server has opened. */
export type OnIncoming = (connection: OpenConnection) => void | Promise<void>;
