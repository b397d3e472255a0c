import { checkRemoteForward, checkRemoteServer } from '../options/method-options.js';
import type { RemoteForwardOptions, RemoteServerOptions } from '../options/remote-options.js';
import type { KeepAwakeFor } from '../sockets/tunnel-socket.js';
import { lazily } from '../tunnel/lazily.js';
import type { Remote, RemoteTunnel } from './remote.js';
import type { RemoteForward } from './remote-forward.js';
import type { RemoteListenersOptions } from './remote-listeners.js';
import type { RemoteProxyContext } from './remote-proxy.js';
import { RemoteServer } from './remote-server.js';

/** The remote listeners of a client: what makes them is loaded with the first one. */
export class RemoteDoor {
  readonly #tunnel: RemoteTunnel;
  readonly #options: RemoteDoorOptions;
  readonly #load: () => Remote | Promise<Remote>;
  #loaded: Remote | undefined;
  #isClosed = false;

  constructor(tunnel: RemoteTunnel, options: RemoteDoorOptions) {
    this.#tunnel = tunnel;
    this.#options = options;
    this.#load = lazily(async () => {
      const { Remote } = await import('./remote.js');
      this.#loaded = new Remote(tunnel, options, options.proxy);
      return this.#loaded;
    });
  }

  /** As `Client.forwardRemote`. */
  async forward(options: RemoteForwardOptions): Promise<RemoteForward> {
    const way = checkRemoteForward(options);
    const remote = await this.#load();
    const forward = await remote.forward(options, way);
    if (this.#isClosed) await forward.close();
    return forward;
  }

  /** As `Client.listenRemote`. */
  listen(options: RemoteServerOptions): RemoteServer {
    const place = checkRemoteServer(options);
    const { awake, keepAwakeFor } = this.#options;
    return new RemoteServer({
      listen: async (taker, onChange) => {
        const listener = (await this.#load()).keep(place, options, taker, onChange);
        if (this.#isClosed) listener.close();
        return listener;
      },
      connect: () => this.#tunnel.start(),
      allowHalfOpen: options.allowHalfOpen,
      awake,
      keepAwakeFor,
    });
  }

  /** Takes nothing more; what has come lives on. */
  close(): void {
    this.#isClosed = true;
    this.#loaded?.close();
  }
}

export interface RemoteDoorOptions extends RemoteListenersOptions {
  readonly keepAwakeFor: KeepAwakeFor;
  /** For those that lead everywhere that they are asked to. */
  readonly proxy: RemoteProxyContext;
}
