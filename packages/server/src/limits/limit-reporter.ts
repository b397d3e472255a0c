import type { Clock, Logger } from 'wsproxy-engine';
import type { LimitName } from './limits.js';
import { putNewest } from './put-newest.js';

/** A wave is over when nothing of it was heard for so long, ms. */
const WAVE_GAP = 10_000;
/** Beyond these nothing fails: somebody waits, goes more slowly, or has datagrams dropped. */
const WAITING: ReadonlySet<LimitName> = new Set<LimitName>([
  'pendingDials',
  'lookups',
  'memory',
  'memoryPerSession',
  'newPeersPerSecond',
  'rateUp',
  'rateDown',
]);
const LACK = 'the system has no descriptor, local port or memory left to dial with';
/** Waves that are known at a time; beyond them the oldest is told anew. */
const MAX_WAVES = 1_000;

/** Tells that a limit was hit: the observer each time, the log once for a wave, or it would be the next thing to flood. */
export class LimitReporter {
  readonly #options: LimitReporterOptions;
  /** When each was last hit, the longest ago first. */
  readonly #waves = new Map<string, number>();

  constructor(options: LimitReporterOptions) {
    this.#options = options;
  }

  hit(hit: Hit): void {
    const { limit, user } = hit;
    const { logger, onLimit } = this.#options;
    onLimit?.(limit);
    if (!this.#begins(`${limit} ${user ?? ''}`)) return;
    if (WAITING.has(limit)) logger.info(hit, 'a limit was reached, and slows down');
    else logger.warn(hit, 'a limit was reached');
  }

  /** The system has refused to dial, by this code of its own: anyone who asks for any destination, it has nothing left. */
  lack(code: string): void {
    if (this.#begins(`system ${code}`)) this.#options.logger.warn({ code }, LACK);
  }

  /** Whether a wave begins; one that is there goes on. */
  #begins(wave: string): boolean {
    const now = this.#options.clock.now();
    const last = this.#waves.get(wave);
    putNewest(this.#waves, wave, now, MAX_WAVES);
    return last === undefined || now - last >= WAVE_GAP;
  }
}

/** A limit, its value, whose it is if each user has one, and when it stands in the way no more if that is known. */
export interface Hit {
  readonly limit: LimitName;
  readonly value: number;
  readonly user?: string;
  readonly until?: string;
}

export interface LimitReporterOptions {
  readonly clock: Clock;
  readonly logger: Logger;
  readonly onLimit?: (limit: LimitName) => void;
}
