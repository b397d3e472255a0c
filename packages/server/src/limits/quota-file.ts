import { accessSync, constants, readFileSync, renameSync } from 'node:fs';
import { dirname } from 'node:path';
import type { Clock, Logger, Timer } from 'wsproxy-engine';
import { OptionError } from 'wsproxy-node/options';
import { monthOf } from '../store/month.js';
import { isUserId } from '../users/user-id.js';
import type { Accounts } from './accounts.js';
import { writeWhole } from './write-whole.js';

/** How often counts that have changed are written, ms: so much of them a crash may forget. */
const INTERVAL = 10_000;
/** Users whose counts are kept, those with the most bytes: some 10 MB. */
const MAX_USERS = 100_000;
const MAX_LENGTH = 16_777_216;

/** Keeps what users have carried in this month in a file, so that a restart does not forget it. */
export class QuotaFile {
  readonly #options: QuotaFileOptions;
  #written: string;
  #timer: Timer | undefined;
  #saving: Promise<void> = Promise.resolve();
  #isFailing = false;

  /**
   * What the file says of this month counts from here on. One that cannot be understood is moved aside.
   * Its path has to be right (`checkQuotaFile`).
   */
  constructor(options: QuotaFileOptions) {
    this.#options = options;
    const { accounts } = options;
    accounts.restore(this.#read());
    this.#written = this.#text();
    this.#saveLater();
  }

  /** Writes what has changed, for the last time. */
  async close(): Promise<void> {
    this.#timer?.cancel();
    await this.#save();
  }

  #read(): ReadonlyMap<string, number> {
    const { path, clock, logger } = this.#options;
    const text = textOf(path);
    if (text === undefined) return new Map();
    const counts = parse(text);
    if (counts === undefined) {
      const kept = `${path}.broken`;
      renameSync(path, kept);
      logger.error({ file: path, kept }, 'the quota file cannot be understood: counting begins with nothing');
      return new Map();
    }
    return counts.month === monthOf(clock.wallTime()) ? counts.bytes : new Map();
  }

  #text(): string {
    const { accounts, clock } = this.#options;
    let counts = [...accounts.bytesThisMonth];
    if (counts.length > MAX_USERS) counts = counts.sort(([, a], [, b]) => b - a).slice(0, MAX_USERS);
    return `${JSON.stringify({ month: monthOf(clock.wallTime()), bytes: Object.fromEntries(counts) })}\n`;
  }

  #saveLater(): void {
    this.#timer = this.#options.clock.setTimer(() => {
      this.#saveLater();
      void this.#save();
    }, INTERVAL);
  }

  /** One after the other; a failure is told once, and the next try is the next time. */
  #save(): Promise<void> {
    this.#saving = this.#saving.then(async () => {
      const { path, logger } = this.#options;
      const text = this.#text();
      if (text === this.#written) return;
      try {
        await writeWhole(path, text);
        this.#written = text;
        this.#isFailing = false;
      } catch (error) {
        if (!this.#isFailing) logger.error({ err: error, file: path }, 'the quota file cannot be written');
        this.#isFailing = true;
      }
    });
    return this.#saving;
  }
}

export interface QuotaFileOptions {
  readonly path: string;
  readonly accounts: Pick<Accounts, 'bytesThisMonth' | 'restore'>;
  readonly clock: Pick<Clock, 'setTimer' | 'wallTime'>;
  readonly logger: Logger;
}

/** @throws OptionError when the file cannot be read, or none can be written there */
export function checkQuotaFile(path: string): void {
  try {
    accessSync(dirname(path), constants.W_OK | constants.X_OK);
    textOf(path);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    throw new OptionError('quotaFile', `${path} cannot be used (${code}): its folder must be there, and be writable`);
  }
}

function textOf(path: string): string | undefined {
  try {
    // An editor may have left a byte order mark.
    return readFileSync(path, 'utf8').replace(/^\ufeff/, '');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}

/** Undefined for what this program has not written. */
function parse(text: string): { month: string; bytes: ReadonlyMap<string, number> } | undefined {
  if (text.length > MAX_LENGTH) return undefined;
  try {
    const { month, bytes } = JSON.parse(text) as { month?: unknown; bytes?: unknown };
    if (typeof month !== 'string' || typeof bytes !== 'object' || bytes === null) return undefined;
    const counts = Object.entries(bytes);
    const isRight = counts.every(
      ([id, count]) => isUserId(id) && Number.isSafeInteger(count) && (count as number) >= 0,
    );
    return isRight ? { month, bytes: new Map(counts as [string, number][]) } : undefined;
  } catch {
    return undefined;
  }
}
