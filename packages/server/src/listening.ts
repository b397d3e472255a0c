import type { AddressInfo, Socket } from 'node:net';
import { systemClock } from 'wsproxy-engine';
import { type ListeningAddress, portsAskedOnLoopback } from 'wsproxy-node/dial';
import type { ListenOptions } from './gateway/listen.js';
import { createTrust } from './gateway/remote-address.js';
import type { Guard } from './limits/guard.js';
import type { Holds } from './listeners/held.js';
import { ListenRights } from './listeners/listen-rights.js';
import type { ListenerService } from './listeners/listener-service.js';
import { ListenerTable } from './listeners/listener-table.js';
import { holdsOfSystem, type SystemHolds } from './listeners/places-of-system.js';
import type { NamePort, NamePortOptions } from './names/name-port.js';
import type { CheckedOptions } from './options/check-server-options.js';

/** All that clients listen by: the table of their listeners, and the port of their host names. */
export class Listening {
  readonly table: ListenerTable;
  readonly #holds: SystemHolds & Holds;
  readonly #guard: Guard;
  readonly #exclusives: ListenerService['exclusives'];
  readonly #isTrusted: (address: string | undefined) => boolean;
  #names: NamePort | undefined;

  /** @param own Where this server listens itself. */
  constructor(options: CheckedOptions, own: readonly ListeningAddress[], common: ListeningParts) {
    const { allowListen, authorizeListen, trustedProxies, egress } = options;
    const { guard, logger } = common;
    const asked = portsAskedOnLoopback(egress ?? {});
    this.#guard = guard;
    this.#exclusives = common.exclusives;
    this.#isTrusted = createTrust(trustedProxies);
    this.#holds = holdsOfSystem({ logger, clock: systemClock, udpIdle: guard.limits.udpIdle });
    this.table = new ListenerTable({
      ...common,
      rights: new ListenRights({ allowListen, authorizeListen }),
      holds: this.#holds,
      isOwn: ({ kind, port }) => asked.has(port) || (kind === 'tcp' && own.some((each) => each.port === port)),
    });
  }

  /** The port of host names; undefined before it is asked for. */
  get names(): NamePort | undefined {
    return this.#names;
  }

  /** As `Server.holdBy`. */
  holdBy(holder: Holder): void {
    Object.assign(this.#holds, holder(this.#holds));
  }

  /** As `Server.listenReverseHttp`. `expectOpen` throws once the server is closed. */
  async listenNames(
    options: ListenOptions | undefined,
    { expectOpen, elsewhere }: NamesParts,
  ): Promise<AddressInfo | undefined> {
    // Not at the start: most servers have none.
    const { NamePort } = await import('./names/name-port.js');
    expectOpen();
    const guard = this.#guard;
    const names = new NamePort({
      ...{ guard, isTrusted: this.#isTrusted, places: guard.maxStrangers, exclusives: this.#exclusives, elsewhere },
    });
    this.#names = names;
    const address = options && (await names.listen(options));
    for (const kind of ['http', 'tls'] as const) this.#holds[kind] = ({ host }, owner) => names.hold(kind, host, owner);
    return address;
  }

  /** As `Server.handleReverseHttpConnection`. */
  handleConnection(socket: Socket): void {
    if (this.#names === undefined) socket.destroy();
    else this.#names.handleConnection(socket);
  }

  /** Resolves when the one who has come to the port of names has the whole answer, or after `time` ms. `patience` as there. */
  async settled(time: number, patience: number): Promise<void> {
    await this.#names?.settled(time, patience);
  }

  /** Closes the port of names. */
  async close(): Promise<void> {
    await this.#names?.close();
  }
}

/** Says by what ports and paths are held in place of the system; `ofSystem` are those there were. */
export type Holder = (ofSystem: SystemHolds) => Holds;

interface NamesParts extends Pick<NamePortOptions, 'elsewhere'> {
  readonly expectOpen: () => void;
}

type ListeningParts = Omit<ListenerService, 'rights' | 'holds' | 'isOwn'>;
