import type { Carried, OpenHandler } from 'wsproxy-engine';
import type { ChannelChange, ChannelStatus, ClientStatus } from './client-status.js';
import type { KeepAwake } from './keep-awake.js';

/**
 * Everything of one kind that a client has opened, or that has come to it, no matter which way it goes: which of them live, and what
 * those of the tunnel have carried.
 */
export class Ledger<T extends Carried, Status extends CommonStatus> {
  readonly #awake: KeepAwake;
  readonly #statusOf: (entry: Entry<T>) => Status;
  readonly #onChange: (change: Change & Status) => void;
  readonly #living = new Map<T, Entry<T>>();
  /** Living, past the tunnel. */
  readonly #hidden = new Set<T>();
  #lastId = 0;
  /** Of those that are over. */
  readonly #past = { bytesUp: 0, bytesDown: 0 };

  /** `awake` is held for each of them as long as it lives. */
  constructor(awake: KeepAwake, statusOf: (entry: Entry<T>) => Status, onChange: (change: Change & Status) => void) {
    this.#awake = awake;
    this.#statusOf = statusOf;
    this.#onChange = onChange;
  }

  /** Those that live. */
  get size(): number {
    return this.#living.size + this.#hidden.size;
  }

  /** What those of the tunnel have carried, and which live, oldest first. */
  status(): Pick<ClientStatus, 'bytesUp' | 'bytesDown'> & { readonly living: readonly Status[] } {
    const living = [...this.#living.values()].map(this.#statusOf);
    return {
      bytesUp: living.reduce((sum, { bytesUp }) => sum + bytesUp, this.#past.bytesUp),
      bytesDown: living.reduce((sum, { bytesDown }) => sum + bytesDown, this.#past.bytesDown),
      living,
    };
  }

  /** Enters what `open` opens for `handler`: under the target that was asked for, whether there can be such a one or not. */
  enter(target: T['target'], handler: OpenHandler, open: (handler: OpenHandler) => T): T {
    // Told only when it is there.
    const one: T = open(telling(handler, () => this.#tell('open', entry)));
    const entry = this.#note(one, target, handler.kind ?? OWN_KIND);
    return one;
  }

  /** Enters one that has come from the server; what is returned is to be called when it is accepted. */
  admit(one: T, target: string, kind: string, peer: string | undefined): () => void {
    const entry = this.#note(one, target, kind, peer);
    return () => this.#tell('open', entry);
  }

  /** The same for one that goes past the tunnel: nobody is shown it, nor told of it. */
  hide(one: T): T {
    this.#hidden.add(one);
    this.#awake.hold(one);
    one.onOver(() => {
      this.#awake.release(one);
      this.#hidden.delete(one);
    });
    return one;
  }

  #note(one: T, target: Entry<T>['target'], kind: string, peer?: string): Entry<T> {
    this.#lastId += 1;
    const entry: Entry<T> = { id: this.#lastId, target, kind, one, peer };
    this.#living.set(one, entry);
    this.#awake.hold(one);
    one.onOver(() => {
      const { bytesSent, bytesReceived } = one.figures;
      this.#awake.release(one);
      this.#living.delete(one);
      this.#past.bytesUp += bytesSent;
      this.#past.bytesDown += bytesReceived;
      this.#tell('over', entry);
    });
    return entry;
  }

  #tell(change: Change['change'], entry: Entry<T>): void {
    this.#onChange({ change, ...this.#statusOf(entry), failure: entry.one.figures.failure });
  }
}

/** What a ledger knows of one of them. */
export interface Entry<T extends Carried> {
  readonly id: number;
  /** A text where it is not what the channel itself is for. */
  readonly target: T['target'] | string;
  readonly kind: string;
  readonly one: T;
  /** From whom it has come, if anybody says so. */
  readonly peer: string | undefined;
}

/** What every status has of it. */
export function commonStatusOf({ id, kind, one, peer }: Entry<Carried>): CommonStatus {
  const { age, bytesSent, bytesReceived } = one.figures;
  const open = one.state.opening === 'open';
  const common = { id, kind, open, ageMs: Math.round(age), bytesUp: bytesSent, bytesDown: bytesReceived };
  return peer === undefined ? common : { ...common, peer };
}

/**
 * Tells `onOpen` before `handler`. Closures that are made together keep alive what any of them needs: these are made apart
 * from those that live as long as the channel, which needs neither once it was answered.
 */
function telling(handler: OpenHandler, onOpen: () => void): OpenHandler {
  return {
    onOpen: () => {
      onOpen();
      handler.onOpen();
    },
    onFail: (code) => handler.onFail(code),
  };
}

/** Of what no listener has opened. */
const OWN_KIND = 'library';
/** Of what has come to a remote listener. */
export const REMOTE_KIND = 'remote';

type CommonStatus = Omit<ChannelStatus, 'target'>;
type Change = Pick<ChannelChange, 'change' | 'failure'>;
