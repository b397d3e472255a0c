import { Socket } from 'node:net';
import {
  type Arrival,
  formatTarget,
  type Logger,
  type OfferedChannel,
  type OfferedFlow,
  TunnelError,
} from 'wsproxy-engine';
import { dialPath, type GiveUpSignal, GivingUp } from 'wsproxy-node/dial';
import { relay } from 'wsproxy-node/relay';
import { type RelaySocket, resetSocket } from 'wsproxy-node/sockets';
import type { LocalTarget } from '../options/remote-options.js';
import { answerFlow, loadRelayFlow, type RelayFlow } from '../tunnel/answer-flow.js';
import { type Dial, loadDial } from '../tunnel/direct-tunnel.js';
import { lazily } from '../tunnel/lazily.js';
import type { ArrivalTaker } from './arrival-taker.js';
import { proxyHeader } from './proxy-header.js';
import { MAX_DIALS, Turns } from './turns.js';

/** Dials what the user of this client has written for a remote listener, no matter what the server says, for each that comes there. */
export class ArrivalDialer implements ArrivalTaker {
  readonly target: string;
  readonly #to: LocalTarget;
  readonly #tellsPeer: boolean;
  readonly #isUdp: boolean;
  readonly #logger: Logger;
  readonly #turns = new Turns(MAX_DIALS);
  readonly #dial: () => Dial | Promise<Dial>;
  readonly #relayFlow: () => RelayFlow | Promise<RelayFlow>;

  constructor(to: LocalTarget, { tellsPeer, isUdp, logger, load = loadDial }: ArrivalDialerOptions) {
    this.target = `${'path' in to ? `unix:${to.path}` : formatTarget(to)}${isUdp ? '/udp' : ''}`;
    this.#to = to;
    this.#tellsPeer = tellsPeer;
    this.#isUdp = isUdp;
    this.#logger = logger;
    this.#dial = lazily(() => load());
    this.#relayFlow = lazily(() => loadRelayFlow());
  }

  /** Loads what is needed ahead of the first connection: then there may be no descriptor left to read it by. */
  async prepare(): Promise<void> {
    await (this.#isUdp ? this.#relayFlow() : this.#dial());
  }

  async takeChannel(channel: OfferedChannel, arrival: Arrival, accept: () => void): Promise<void> {
    const over = new GivingUp();
    channel.onAbandoned(() => over.abort(new TunnelError('CANCELLED')));
    try {
      const socket = await this.#turns.run(() => this.#reach(over), over);
      // The ledger keeps the process alive as long as the channel lives.
      if (socket instanceof Socket) socket.unref();
      if (channel.state.dead) return resetSocket(socket);
      if (this.#tellsPeer) socket.write(proxyHeader(arrival.peer, arrival.local));
      accept();
      relay(channel, socket);
    } catch (error) {
      const code = error instanceof TunnelError ? error.code : 'INTERNAL';
      // Who has come sees a reset and no reason: anyone who runs the service is here.
      if (!channel.state.dead) {
        const peer = arrival.peer && formatTarget(arrival.peer);
        this.#logger.info({ target: this.target, peer, code }, 'channel failed to open');
      }
      channel.refuse(code);
    }
  }

  async takeFlow(flow: OfferedFlow, isAway: () => boolean, accept: () => void): Promise<void> {
    if ('path' in this.#to) return flow.refuse('BAD_TARGET');
    await answerFlow(flow, this.#relayFlow(), {
      task: { target: this.#to, isAway },
      accept,
      onFail: (code) => this.#logger.info({ target: this.target, code }, 'flow failed to open'),
    });
  }

  async #reach(signal: GiveUpSignal): Promise<RelaySocket> {
    if ('path' in this.#to) return dialPath(this.#to.path, signal);
    const dial = await this.#dial();
    const { socket } = await dial(this.#to, signal);
    return socket;
  }
}

export interface ArrivalDialerOptions {
  /** Says from whom a connection is, by the PROXY protocol. */
  readonly tellsPeer: boolean;
  /** What comes is datagrams. */
  readonly isUdp: boolean;
  readonly logger: Logger;
  /** What dials ports. Default: this machine, with the lookup of the system. */
  readonly load?: () => Promise<Dial>;
}
