import {
  ACCOUNT_HOST,
  formatTarget,
  GUARDED_MACHINE,
  GUARDED_METADATA,
  type Target,
  THROUGHPUT_HOST,
} from 'wsproxy-engine';
import type { SessionOfChannels } from '../channels/session-of-channels.js';
import type { DialTurns } from '../limits/dial-turns.js';
import type { ChannelRecord } from '../observe/observer.js';

/** What the channels of one session have to know of it, and what those that are over have amounted to. */
export class ChannelTotals implements SessionOfChannels {
  readonly id: string;
  /** What its client has yet to ask for, if it says that it only examines the way. */
  readonly #unprobed: Set<string> | undefined;
  readonly turns: DialTurns;
  #channels = 0;
  #bytesUp = 0;
  #bytesDown = 0;

  constructor(id: string, isProbe: boolean, turns: DialTurns) {
    this.id = id;
    this.#unprobed = isProbe ? new Set(GUARDED) : undefined;
    this.turns = turns;
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

/** What doctor asks for once. */
const GUARDED = [GUARDED_METADATA, GUARDED_MACHINE].map(formatTarget);
/** What it measures with: no destinations. */
const SERVICES: ReadonlySet<string> = new Set([ACCOUNT_HOST, THROUGHPUT_HOST]);
