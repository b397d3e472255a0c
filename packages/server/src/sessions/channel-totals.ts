import {
  ACCOUNT_HOST,
  formatTarget,
  GUARDED_MACHINE,
  GUARDED_METADATA,
  type Target,
  THROUGHPUT_HOST,
} from 'wsproxy-engine';
import type { SessionOfChannels } from '../channels/session-of-channels.js';
import type { SessionTurns } from '../limits/session-turns.js';
import type { ChannelRecord } from '../observe/observer.js';

/** What the channels of one session have to know of it, and what those that are over have amounted to. */
export class ChannelTotals implements SessionOfChannels {
  readonly id: string;
  /** What its client has yet to ask for, if it says that it only examines the way. */
  readonly #unprobed: Set<string> | undefined;
  readonly #session: DiallingSession;
  /** Once it has a channel. */
  #turns: SessionTurns | undefined;
  #channels = 0;
  #bytesUp = 0;
  #bytesDown = 0;

  constructor(id: string, isProbe: boolean, session: DiallingSession) {
    this.id = id;
    this.#unprobed = isProbe ? new Set(GUARDED) : undefined;
    this.#session = session;
  }

  get turns(): SessionTurns {
    this.#turns ??= this.#session.beginTurns();
    return this.#turns;
  }

  get figures(): { readonly channels: number; readonly bytesUp: number; readonly bytesDown: number } {
    return { channels: this.#channels, bytesUp: this.#bytesUp, bytesDown: this.#bytesDown };
  }

  /** What a client says of itself proves nothing: so it hides no more of what it asks for than the program asks for. */
  takesForProbe(target: Target): boolean {
    if (this.#unprobed === undefined) return false;
    return SERVICES.has(target.host) || this.#unprobed.delete(formatTarget(target));
  }

  onChannelOver({ bytesUp, bytesDown }: ChannelRecord): void {
    this.#channels += 1;
    this.#bytesUp += bytesUp;
    this.#bytesDown += bytesDown;
  }
}

/** The session itself, as far as it is needed for that. */
export interface DiallingSession {
  beginTurns(): SessionTurns;
}

/** What doctor asks for once. */
const GUARDED = [GUARDED_METADATA, GUARDED_MACHINE].map(formatTarget);
/** What it measures with: no destinations. */
const SERVICES: ReadonlySet<string> = new Set([ACCOUNT_HOST, THROUGHPUT_HOST]);
