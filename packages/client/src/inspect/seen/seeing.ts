import { type Logger, systemClock, VERSION } from 'wsproxy-engine';
import { Exchanges } from './exchanges.js';
import { HarFile } from './har-file.js';
import { HarRecorder } from './har-recorder.js';
import { MASK, type Mask, NO_MASK } from './mask.js';

/** Keeps what passes, for the status page and for an archive. */
export class Seeing {
  readonly exchanges: Exchanges = new Exchanges(systemClock);
  /** Of all that is shown or written. */
  readonly mask: Mask;
  #recorder: HarRecorder | undefined;

  /** `secrets`: whether passwords, tokens and cookies are shown too. */
  constructor(secrets: boolean) {
    this.mask = secrets ? NO_MASK : MASK;
  }

  /**
   * Writes all that is over from now on into a HAR file.
   * @throws Error in one line when the file cannot be used
   */
  async record(path: string, logger: Logger): Promise<void> {
    const file = await openArchive(path);
    this.#recorder = new HarRecorder(this.exchanges, {
      ...{ file, mask: this.mask, clock: systemClock },
      onProblem: (reason) => logger.warn({ path, reason }, 'exchanges are missing in the archive'),
    });
  }

  /** Resolves when all is written. */
  async close(): Promise<void> {
    await this.#recorder?.close();
  }
}

/** What the status page has of it. */
export interface Inspected {
  readonly exchanges: Exchanges;
  readonly mask: Mask;
  /** Looks again into what was given up, and tells it again. */
  readonly tryAgain: () => void;
}

async function openArchive(path: string): Promise<HarFile> {
  try {
    return await HarFile.open(path, { name: 'wsproxy-client', version: VERSION });
  } catch (error) {
    const { message } = error as Error;
    // Those of the system name the path already.
    throw new Error(message.includes(path) ? message : `cannot use ${path}: ${message}`, { cause: error });
  }
}
