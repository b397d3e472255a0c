import type { FailureCode, ListenHandler, ListenRequest, Peer, RemoteListener } from 'wsproxy-engine';
import type { ListenerHome, ListenerHomes, ListenerSession } from '../../src/remote/listener-homes.js';

/** The sessions of a client, which come and go as the test says. */
export class FakeHomes implements ListenerHomes {
  home: FakeHome | undefined;
  readonly #inUse = new Set<ListenerHome>();
  readonly #watchers = new Set<() => void>();

  isInUse(home: ListenerHome): boolean {
    return this.#inUse.has(home);
  }

  watch(watcher: () => void): () => void {
    this.#watchers.add(watcher);
    return () => this.#watchers.delete(watcher);
  }

  get watched(): boolean {
    return this.#watchers.size > 0;
  }

  /** A session is online, and those before it are used no more; they go on until they end. */
  begin(server = FIRST): FakeHome {
    const home = new FakeHome(server);
    this.#inUse.clear();
    this.#inUse.add(home);
    this.home = home;
    this.#tell();
    return home;
  }

  /** The session has ended, and there is no other yet. */
  end(home: FakeHome): void {
    for (const listener of home.listeners) listener.die('SESSION_LOST');
    this.#inUse.delete(home);
    if (this.home === home) this.home = undefined;
    this.#tell();
  }

  /** The connection of the session is lost, and comes back. */
  blink(home: FakeHome): void {
    this.home = undefined;
    this.#tell();
    this.home = home;
    this.#tell();
  }

  #tell(): void {
    for (const watcher of this.#watchers) watcher();
  }
}

const FIRST = { name: 'wss://first/' };

/** One session, and what was asked of it. */
export class FakeHome implements ListenerHome {
  readonly server: { readonly name: string };
  readonly listeners: FakeListener[] = [];
  readonly session: ListenerSession = {
    attached: true,
    listen: (request, handler) => {
      const listener = new FakeListener(request, handler);
      this.listeners.push(listener);
      return listener;
    },
  };
  /** How often it is held. */
  holds = 0;

  constructor(server: { readonly name: string }) {
    this.server = server;
  }

  hold(): () => void {
    this.holds += 1;
    return () => (this.holds -= 1);
  }

  /** The last one that was asked for. */
  get last(): FakeListener {
    const last = this.listeners.at(-1);
    if (last === undefined) throw new Error('nothing was asked for');
    return last;
  }
}

/** A listener, answered by the test. */
export class FakeListener implements RemoteListener {
  readonly id = 1;
  readonly request: ListenRequest;
  readonly handler: ListenHandler;
  readonly state = { opening: 'requested' as 'requested' | 'open', dead: false };
  /** By the client, no matter what has come there; and so that nothing is lost. */
  isClosed = false;
  hasEnded = false;

  constructor(request: ListenRequest, handler: ListenHandler) {
    this.request = request;
    this.handler = handler;
  }

  get figures() {
    return { age: 0, failure: undefined };
  }

  close(): void {
    this.isClosed ||= !this.state.dead;
    this.state.dead = true;
  }

  onOver(): void {}

  accept(address: Peer = { host: '127.0.0.1', port: this.request.port }): void {
    this.state.opening = 'open';
    this.handler.onListening(address);
  }

  end(): void {
    this.hasEnded = !this.isClosed;
    this.close();
  }

  /** Refused, if it had not been answered; else over. */
  die(code: FailureCode): void {
    if (this.state.dead) return;
    this.state.dead = true;
    if (this.state.opening === 'open') this.handler.onOver(code);
    else this.handler.onFail(code);
  }
}
