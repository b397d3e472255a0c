import type { Logger, OfferedChannel, OfferedFlow } from 'wsproxy-engine';
import { createProxyService, type ProxyService } from 'wsproxy-node/accept';
import { ignoreErrors } from 'wsproxy-node/sockets';
import { type Ends, TunnelSocket } from '../sockets/tunnel-socket.js';
import type { DirectRules } from '../tunnel/direct-rules.js';
import { DirectTunnel } from '../tunnel/direct-tunnel.js';
import type { ArrivalTaker } from './arrival-taker.js';
import { MAX_DIALS, Turns } from './turns.js';

/**
 * SOCKS and HTTP for the applications that come to a remote listener. What they ask for is dialled by this process, and only
 * where its own rules allow it: by default nothing that is private to this machine and its network.
 */
export class RemoteProxy implements ArrivalTaker {
  readonly target = 'proxy';
  readonly #direct: DirectTunnel;
  readonly #service: ProxyService;
  #living = 0;
  #isRetired = false;

  constructor({ logger, onRefused, ...rules }: RemoteProxyOptions) {
    const turns = new Turns(MAX_DIALS);
    this.#direct = new DirectTunnel({ ...rules, inTurn: (dial, signal) => turns.run(dial, signal) });
    this.#service = createProxyService(this.#direct, { logger, onRefused, isRemote: true });
  }

  /** Loads what is needed ahead of the first connection: then there may be no descriptor left to read it by. */
  async prepare(): Promise<void> {
    this.#direct.prepare();
    await this.#service.loading;
  }

  takeChannel(channel: OfferedChannel, { peer, local }: Ends, accept: () => void): void {
    this.#living += 1;
    channel.onOver(() => {
      this.#living -= 1;
      this.#endIfDone();
    });
    accept();
    const socket = new TunnelSocket(undefined, { allowHalfOpen: true, arrived: { channel, peer, local } });
    ignoreErrors(socket);
    this.#service.serve(socket);
  }

  takeFlow(flow: OfferedFlow): void {
    flow.refuse('UNSUPPORTED');
  }

  retire(): void {
    this.#isRetired = true;
    this.#endIfDone();
  }

  /** With the last connection, once its destination has everything. */
  #endIfDone(): void {
    if (this.#isRetired && this.#living === 0) void this.#direct.whenIdle().then(() => this.#direct.close());
  }
}

export interface RemoteProxyOptions extends Pick<DirectRules, 'allow'>, RemoteProxyContext {}

/** What a proxy has of the client that it belongs to. */
export interface RemoteProxyContext extends Pick<DirectRules, 'listening'> {
  readonly logger: Logger;
  /** A request was refused: nothing was dialled for it. */
  readonly onRefused: (reason: string) => void;
}
