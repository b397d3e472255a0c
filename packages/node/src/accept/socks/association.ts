import type { Clock, FailureCode, Flow, FlowSink, FlowTunnel, Logger, Peer, Timer } from 'wsproxy-engine';
import { resetSocket } from '../../sockets/reset-socket.js';
import { UDP_IDLE } from '../../sockets/udp-idle.js';
import type { Advertised } from '../advertised.js';
import type { ApplicationSocket } from '../application-socket.js';
import { Drops } from '../udp/drops.js';
import { type UdpAddress, UdpSocket } from '../udp/udp-socket.js';
import { DatagramHeaders } from './datagram-headers.js';

/**
 * One UDP association: a flow, and a socket of its own that hears the application alone which has asked for it. It lives
 * as long as its control connection, and that as long as the flow: but one that was only silent for too long begins anew
 * with the next datagram, if that comes before long.
 */
export class Association implements FlowSink {
  readonly #options: AssociationOptions;
  readonly #drops: Drops<'fragment' | 'malformed' | 'stranger' | 'unsent'>;
  readonly #headers = new DatagramHeaders();
  /** Undefined while nothing is said. */
  #flow: Flow | undefined;
  #relay: UdpSocket | undefined;
  /** Where the application sends from; undefined before its first datagram. */
  #application: UdpAddress | undefined;
  /** Until it ends, while there is no flow. */
  #silence: Timer | undefined;

  constructor(options: AssociationOptions) {
    const { control, logger, onFail } = options;
    this.#options = options;
    this.#drops = new Drops(logger);
    // The application is told of a port only when there is somebody who takes what it sends there.
    this.#flow = this.#open(() => void this.#bind(), onFail);
    // Nothing more is said there: it is only to live, or to end.
    control.resume();
    control.once('end', () => control.destroy());
    control.once('close', () => this.#end());
  }

  #open(onOpen: () => void, onFail: (code: FailureCode) => void): Flow {
    const { tunnel, logger } = this.#options;
    const flow = tunnel.openFlow(undefined, {
      kind: 'socks5-udp',
      onOpen,
      onFail: (code) => {
        logger.info({ code }, 'flow failed to open');
        onFail(code);
      },
    });
    flow.onOver(() => this.#onFlowOver(flow));
    return flow;
  }

  async #bind(): Promise<void> {
    const { address, advertised, control, logger, onReady, onFail } = this.#options;
    try {
      const relay = await bindWithin(advertised?.ports, (port) =>
        UdpSocket.bind({ host: address, port }, logger, (data, from) => this.#onDatagram(data, from)),
      );
      if (control.destroyed) return void relay.close();
      this.#relay = relay;
      this.#flow?.start(this);
      const { port } = relay.address;
      logger.debug({ port }, 'flow open');
      onReady({ address: advertised?.address ?? address, port });
    } catch (error) {
      logger.warn({ error, ports: advertised?.ports }, 'no UDP port for an association');
      onFail('INTERNAL');
      const flow = this.#flow;
      this.#flow = undefined;
      flow?.close('INTERNAL');
    }
  }

  #onDatagram(data: Buffer, from: UdpAddress): void {
    const { address, port } = this.#application ?? { address: this.#options.client, port: from.port };
    if (from.address !== address || from.port !== port) return this.#drops.add('stranger', from);
    const datagram = this.#headers.read(data);
    if (typeof datagram === 'string') return this.#drops.add(datagram, from);
    this.#application ??= from;
    this.#flow ??= this.#openAgain();
    this.#flow.send(datagram.data, datagram.peer);
  }

  onDatagram(data: Uint8Array, from: Peer | undefined): void {
    if (this.#application === undefined || from === undefined) return;
    this.#relay?.send(this.#headers.write(from, data), this.#application, this.#onUnsent);
  }

  readonly #onUnsent = (): void => this.#drops.add('unsent');

  #openAgain(): Flow {
    this.#silence?.cancel();
    const flow = this.#open(
      () => {},
      () => {},
    );
    flow.start(this);
    return flow;
  }

  #onFlowOver(flow: Flow): void {
    const { clock, control, logger } = this.#options;
    const { failure } = flow.figures;
    // What was not answered yet is told by a reply.
    if (this.#flow !== flow) return;
    this.#flow = undefined;
    if (flow.state.opening === 'requested' && this.#relay === undefined) return;
    logger.debug({ code: failure, dropped: this.#drops.counts }, 'flow over');
    // What forgets its control connection holds a port until then.
    if (failure === 'TIMED_OUT') this.#silence = clock.setTimer(() => resetSocket(control), UDP_IDLE);
    else resetSocket(control);
  }

  #end(): void {
    this.#silence?.cancel();
    this.#flow?.close('CANCELLED');
    void this.#relay?.close();
  }
}

export interface AssociationOptions {
  readonly tunnel: FlowTunnel;
  /** The connection that has asked for it. */
  readonly control: ApplicationSocket;
  /** Its address at this end, where the application sends its datagrams, too. */
  readonly address: string;
  /** Its address at the other end, where the datagrams come from. */
  readonly client: string;
  readonly advertised: Advertised | undefined;
  readonly clock: Clock;
  readonly logger: Logger;
  /** Datagrams are taken there. Exactly one of the two is called, unless the connection ends before. */
  readonly onReady: (at: UdpAddress) => void;
  readonly onFail: (code: FailureCode) => void;
}

/** With a port of `ports`, the first that is free from one on that chance chooses; with any when there are none. */
async function bindWithin(ports: Advertised['ports'], bind: (port: number) => Promise<UdpSocket>): Promise<UdpSocket> {
  if (ports === undefined) return bind(0);
  const [first, last] = ports;
  const count = last - first + 1;
  const start = Math.floor(Math.random() * count);
  for (let tried = 1; ; tried += 1) {
    try {
      return await bind(first + ((start + tried) % count));
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EADDRINUSE' || tried >= count) throw error;
    }
  }
}
