import { OptionError } from 'wsproxy-node/options';
import type { RemoteForwardWay } from '../options/method-options.js';
import type { ListenPlace, RemoteForwardOptions } from '../options/remote-options.js';
import { ArrivalDialer } from './arrival-dialer.js';
import type { ArrivalTaker } from './arrival-taker.js';
import { firstAnswer } from './first-answer.js';
import type { KeptListener } from './kept-listener.js';
import { type ListenWish, type WishOptions, wishFor } from './listen-wish.js';
import { RemoteForward } from './remote-forward.js';
import { RemoteListeners, type RemoteListenersOptions } from './remote-listeners.js';
import type { RemoteProxy, RemoteProxyContext } from './remote-proxy.js';

/** What a client does with what servers listen on for it. Loaded for those alone who want that. */
export class Remote {
  readonly #listeners: RemoteListeners;
  readonly #tunnel: RemoteTunnel;
  readonly #proxy: RemoteProxyContext;

  constructor(tunnel: RemoteTunnel, options: RemoteListenersOptions, proxy: RemoteProxyContext) {
    this.#tunnel = tunnel;
    this.#listeners = new RemoteListeners(options);
    this.#proxy = proxy;
  }

  /** As `Client.forwardRemote`. */
  async forward(options: RemoteForwardOptions, way: RemoteForwardWay): Promise<RemoteForward> {
    const taker =
      'to' in way
        ? new ArrivalDialer(way.to, { ...way, logger: this.#proxy.logger })
        : await this.#createProxy(way.allow);
    await taker.prepare();
    const wish = wishFor(way.place, taker.target, options);
    if (options.keepTrying !== true) return new RemoteForward(await this.#listen(wish, taker));
    this.#tunnel.reconnectNow();
    return new RemoteForward(this.#keep(wish, taker));
  }

  /** Asks for what `taker` takes, now and until it is closed; `onChange`: it stands another way than before. */
  keep(
    place: ListenPlace,
    options: WishOptions,
    taker: ArrivalTaker,
    onChange: (listener: KeptListener) => void,
  ): KeptListener {
    // Several may be at ports of the server's choice: the first, the second and so on, also when the program starts again.
    const nth = (n: number): ListenWish => wishFor(place, n === 1 ? taker.target : `${taker.target} ${n}`, options);
    let n = 1;
    while (this.#listeners.has(nth(n).name) && nth(n).name !== nth(n + 1).name) n += 1;
    return this.#keep(nth(n), taker, onChange);
  }

  /** Takes nothing more; what has come lives on. */
  close(): void {
    this.#listeners.close();
  }

  /** Only those who want one wait for it. */
  async #createProxy(allow: readonly string[]): Promise<RemoteProxy> {
    const { RemoteProxy } = await import('./remote-proxy.js');
    return new RemoteProxy({ ...this.#proxy, allow });
  }

  #listen(wish: ListenWish, taker: ArrivalTaker): Promise<KeptListener> {
    return firstAnswer(
      (onChange) => this.#keep(wish, taker, onChange),
      () => this.#tunnel.start(),
    );
  }

  #keep(wish: ListenWish, taker: ArrivalTaker, onChange?: (listener: KeptListener) => void): KeptListener {
    if (this.#listeners.has(wish.name)) throw new OptionError('label', `there is one already: ${wish.name}`);
    return this.#listeners.keep(wish, taker, onChange);
  }
}

/** The way to the servers. */
export interface RemoteTunnel {
  /** Resolves when there is one for the first time; rejects when there can be none. */
  start(): Promise<void>;
  reconnectNow(): void;
}
