import { createHash, randomBytes } from 'node:crypto';

/** A new token, and what a line of the users file holds of it. */
export interface NewToken {
  readonly token: string;
  readonly digest: string;
}

export function newToken(): NewToken {
  // 256 bits, in an alphabet that survives files, headers and shells.
  const token = randomBytes(32).toString('base64url');
  return { token, digest: `sha256:${createHash('sha256').update(token).digest('hex')}` };
}
