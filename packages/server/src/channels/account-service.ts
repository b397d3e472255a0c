import { Duplex } from 'node:stream';
import type { Quota } from '../limits/accounts.js';

/** Stands for a destination (PROTOCOL.md section 5): says what is counted for a user, and ends. What comes is dropped. */
export class AccountService extends Duplex {
  constructor(user: string, { bytes, limit, endsAt }: Quota) {
    super({ allowHalfOpen: true });
    const quota = { bytes, limit: limit ?? null, endsAt: new Date(endsAt).toISOString() };
    this.push(JSON.stringify({ user, quota }));
    this.push(null);
    this.once('end', () => this.#awaitEnd());
  }

  override _read(): void {}

  override _write(_chunk: Buffer, _encoding: string, done: () => void): void {
    done();
  }

  /** Everything is said: a client that does not end its half holds no channel by it. */
  #awaitEnd(): void {
    const timer = setTimeout(() => this.destroy(), LINGER).unref();
    this.once('close', () => clearTimeout(timer));
  }
}

/** ms. */
const LINGER = 1_000;
