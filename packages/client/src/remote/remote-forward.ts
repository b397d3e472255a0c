import type { ListenerState } from '../tunnel/client-status.js';
import type { KeptListener } from './kept-listener.js';

/** What the server listens on for a program, as that sees it. */
export class RemoteForward {
  readonly #listener: KeptListener;

  constructor(listener: KeptListener) {
    this.#listener = listener;
  }

  /** Where the server listens: `port` 0, and a path or a host name, where there are no ports. Undefined while it does not. */
  get address(): RemoteAddress | undefined {
    return this.#listener.address;
  }

  get state(): ListenerState {
    return this.#listener.state;
  }

  /** The server listens no more; connections that have come go on. */
  async close(): Promise<void> {
    this.#listener.close();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }
}

export interface RemoteAddress {
  readonly host: string;
  readonly port: number;
}
