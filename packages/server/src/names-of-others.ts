import type { Duplex } from 'node:stream';
import { type Arrival, type FailureCode, TunnelError } from 'wsproxy-engine';
import { joinStreams, type RelaySocket, resetSocket } from 'wsproxy-node/sockets';
import type { NameErrand } from './cluster/errand.js';
import type { AskedErrand } from './cluster/errand-desk.js';
import type { Route } from './cluster/route.js';
import type { NameKind } from './names/name-directory.js';
import type { ArrivalEvents, NameOwner } from './names/name-owner.js';
import type { NamePort } from './names/name-port.js';
import { NamesElsewhere, type NamesElsewhereOptions } from './names/names-elsewhere.js';
import { streamPair } from './names/stream-pair.js';

/** The host names that other processes hold, as they are reached by errands that `send` sends. */
export function namesOfOthers(options: NamesOfOthersOptions): NamesElsewhere<Route> {
  return new NamesElsewhere({ ...options, ownerAt: (route, way) => new OwnerElsewhere(route, way, options) });
}

interface NamesOfOthersOptions extends Pick<NamesElsewhereOptions<Route>, 'clock' | 'find'> {
  readonly send: (route: Route, errand: NameErrand, signal: AbortSignal) => Promise<Duplex>;
  /** How many may wait for one owner to answer. */
  readonly backlog: number;
}

/** Whoever takes what comes for a name in another process. The limits of its user count there. */
class OwnerElsewhere implements NameOwner {
  readonly isElsewhere = true;
  readonly isAttached = true;
  readonly backlog: number;
  readonly #route: Route;
  readonly #way: NameKind;
  readonly #send: NamesOfOthersOptions['send'];

  constructor(route: Route, way: NameKind, { send, backlog }: NamesOfOthersOptions) {
    this.#route = route;
    this.#way = way;
    this.#send = send;
    this.backlog = backlog;
  }

  beginVisit(): () => void {
    return () => {};
  }

  arrive({ peer, local, name }: Arrival, stream: RelaySocket, events?: ArrivalEvents): void {
    const gone = new AbortController();
    const onClose = (): void => gone.abort();
    stream.once('close', onClose);
    const errand = { kind: 'name', way: this.#way, name, peer, local } as const;
    this.#send(this.#route, errand, gone.signal).then(
      (far) => {
        stream.off('close', onClose);
        events?.onOpen();
        joinStreams(stream, far);
      },
      (error: unknown) => {
        events?.onFail(error instanceof TunnelError ? error.code : 'TUNNEL_DOWN');
        resetSocket(stream);
      },
    );
  }
}

/** Gives what has come for a name at another process to whoever has it here. */
export function serveName(
  { way, name, peer, local }: NameErrand,
  { signal, begin, refuse }: AskedErrand,
  names: Pick<NamePort, 'ownerHere'> | undefined,
): void {
  const owner = names?.ownerHere(way, name);
  if (owner === undefined) return refuse('NAME_NOT_FOUND');
  const endVisit = owner.beginVisit();
  if (endVisit === undefined) return refuse('LIMIT_REACHED');
  const { near, far } = streamPair();
  near.once('close', endVisit);
  const onAbort = (): void => void near.destroy();
  signal.addEventListener('abort', onAbort);
  owner.arrive({ peer, local, name }, far, {
    onOpen: () => {
      signal.removeEventListener('abort', onAbort);
      joinStreams(near, begin());
    },
    onFail: (code: FailureCode) => {
      refuse(code);
      near.destroy();
    },
  });
}
