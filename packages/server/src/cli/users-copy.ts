import { existsSync, readFileSync } from 'node:fs';
import { ExitCode, ExitError, escapeText, type ProgramLogger } from 'wsproxy-cli';
import type { Clock, Timer } from 'wsproxy-engine';
import { writeWhole } from '../limits/write-whole.js';
import { StoreError } from '../store/store.js';
import { digestOf, type StoredUsers } from '../store/stored-users.js';
import { checkUsersText, MOST_BYTES } from './users-file.js';

/** Keeps a copy of the users in the store, which this server reads as any users file: also while the store is away. */
export class UsersCopy {
  readonly #options: UsersCopyOptions;
  /** Digest of what was judged last, for good or bad. */
  #known: string | undefined;
  #turn: Promise<void> = Promise.resolve();
  /** A look waits for its turn. */
  #isWaiting = false;
  #timer: Timer | undefined;
  #isClosed = false;
  /** What of the store was told last, and when. */
  #told: Problem['kind'] | undefined;
  #toldAt = 0;

  constructor(options: UsersCopyOptions) {
    this.#options = options;
  }

  /** Rejects with an ExitError when there are no users, neither in the store nor here, and for a file that is no copy. */
  async begin(): Promise<void> {
    const { users, path } = this.#options;
    expectCopy(path);
    const problem = await this.#look();
    if (problem !== undefined) {
      if (!existsSync(path)) throw noUsers(path, problem);
      this.#tell(problem);
    }
    users.watch(() => {
      // One that waits for its turn sees this as well.
      if (!this.#isWaiting) void this.#lookAndTell();
    });
    this.#lookLater();
  }

  close(): void {
    this.#isClosed = true;
    this.#timer?.cancel();
    this.#options.users.close();
  }

  #lookLater(): void {
    this.#timer = this.#options.clock.setTimer(() => {
      void this.#lookAndTell().then(() => this.#isClosed || this.#lookLater());
    }, INTERVAL);
  }

  /** One look after the other. */
  #lookAndTell(): Promise<void> {
    this.#isWaiting = true;
    const look = this.#turn.then(async () => {
      this.#isWaiting = false;
      if (this.#isClosed) return;
      const problem = await this.#look();
      if (problem !== undefined && !this.#isClosed) this.#tell(problem);
    });
    this.#turn = look;
    return look;
  }

  /** Copies what is new; resolves with what is wrong with it. */
  async #look(): Promise<Problem | undefined> {
    try {
      const read = await this.#options.users.read(MOST_STORED, this.#known);
      if (read.state === 'missing') return { kind: 'missing', lines: [MISSING] };
      if (read.state === 'known') {
        this.#settle();
        return undefined;
      }
      this.#known = read.digest;
      if (read.state === 'too large') return { kind: read.digest, lines: [`they have more than ${MOST_STORED} bytes`] };
      if (digestOf(read.text) !== read.digest) return { kind: read.digest, lines: [FOREIGN] };
      return await this.#copy(read.text);
    } catch (error) {
      if (error instanceof StoreError) return { kind: 'away', lines: [error.message] };
      throw error;
    }
  }

  async #copy(text: string): Promise<Problem | undefined> {
    const { path, logger } = this.#options;
    try {
      const users = checkUsersText('store', text).length;
      if (textOf(path) !== HEAD + text) {
        await writeWhole(path, HEAD + text);
        logger.info({ file: path, users }, 'users copied from the store');
      }
      this.#settle();
      return undefined;
    } catch (error) {
      if (error instanceof ExitError) return { kind: digestOf(text), lines: error.lines };
      this.#known = undefined;
      return { kind: 'copy', lines: [`cannot write ${path}: ${(error as Error).message}`] };
    }
  }

  /** All is well; what comes and goes is not told each time. */
  #settle(): void {
    if (this.#options.clock.now() - this.#toldAt >= TOLD_AGAIN) this.#told = undefined;
  }

  /** Once. */
  #tell({ kind, lines }: Problem): void {
    const { logger, path: file, clock } = this.#options;
    if (kind === this.#told) return;
    this.#told = kind;
    this.#toldAt = clock.now();
    const level = kind === 'away' || kind === 'missing' ? 'warn' : 'error';
    logger[level]({ file, mistakes: lines.slice(0, TOLD) }, 'users of the store not used, those of before stay');
  }
}

export interface UsersCopyOptions {
  readonly users: StoredUsers;
  readonly path: string;
  readonly clock: Pick<Clock, 'now' | 'setTimer'>;
  readonly logger: ProgramLogger;
}

/** Why there is nothing to copy. */
interface Problem {
  /** Or the digest of the document. */
  readonly kind: 'away' | 'missing' | 'copy' | (string & {});
  readonly lines: readonly string[];
}

/** By which a copy is known. */
export const HEAD = '# A copy of the users in the store. The server writes over it: see wsproxy-server users put.\n';
/** The file of the copy has the head as well. */
export const MOST_STORED: number = MOST_BYTES - HEAD.length;

/** @throws ExitError (usage) for a file that is something else: nobody writes over the only users that there are */
function expectCopy(path: string): void {
  const fail = (problem: string): never => {
    throw new ExitError(ExitCode.usage, `--users-from-store: ${problem}`);
  };
  const shown = escapeText(path, 1024);
  try {
    const text = textOf(path);
    if (text === '' || text.startsWith(HEAD)) return;
  } catch (error) {
    fail(`cannot read ${shown}: ${(error as NodeJS.ErrnoException).code}`);
  }
  const cure = `put it there (wsproxy-server users put ${shown}), and give a path for the copy`;
  fail(`${shown} is no copy of the users in the store, and is not written over; ${cure}`);
}

function noUsers(path: string, { lines }: Problem): ExitError {
  const why = `there is no copy of the users in ${escapeText(path, 1024)}, and none to be had`;
  return new ExitError(
    ExitCode.failed,
    lines.map((line) => `--users-from-store: ${why}: ${line}`),
  );
}

/** Nothing of one that is not there. */
function textOf(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return '';
    throw error;
  }
}

const MISSING = 'there are none in the store; put them there: wsproxy-server users put FILE --cluster URL';
const FOREIGN = 'something else than wsproxy-server users put has written them';
/** Between two looks, ms: news may not come. */
const INTERVAL = 2_000;
/** Before the same is told once more, ms. */
const TOLD_AGAIN = 60_000;
/** Mistakes that one line of the log tells. */
const TOLD = 10;
