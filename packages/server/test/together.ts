import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { systemClock } from 'wsproxy-engine';
import type { ServerOptions } from '../src/options/server-options.js';
import { createServer, type Server } from '../src/server.js';
import { MemoryStore } from '../src/store/memory-store.js';
import { answerWorker, type MessagePort } from '../src/store/parent-store.js';
import { closeWith, TOKEN } from './peer.js';

/** Servers that work together as the workers of one node do, with one store in memory. */
export class Together {
  readonly store: MemoryStore = new MemoryStore(systemClock);
  readonly folder: string;

  constructor() {
    // The path of a socket is short on every system.
    this.folder = mkdtempSync(join(tmpdir(), 'w-'));
    closeWith(() => rmSync(this.folder, { recursive: true }));
  }

  async start(options: Partial<ServerOptions> = {}): Promise<Started> {
    const server = createServer({ token: TOKEN, node: 'n', allowPrivate: true, ...options });
    closeWith(() => server.close());
    const { port } = await server.listen({ port: 0 });
    await server.listenInner({ workers: this.folder });
    await server.share({ store: this.#port() });
    return { server, port };
  }

  /** To the store, as a worker has it to its parent. */
  #port(): MessagePort {
    let toWorker: (message: unknown) => void = () => {};
    const post = (message: unknown): void => queueMicrotask(() => toWorker(message));
    const toParent = answerWorker({ post }, (uid) => this.store.enter(uid));
    return {
      post: (message) => queueMicrotask(() => toParent(message)),
      onMessage: (listener) => {
        toWorker = listener;
      },
    };
  }
}

export interface Started {
  readonly server: Server;
  readonly port: number;
}
