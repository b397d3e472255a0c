import { createHash } from 'node:crypto';
import { ExitCode, ExitError, readSecretFile } from 'wsproxy-cli';
import { isDigestOfNothing } from 'wsproxy-node/options';
import type { ProxyUser } from '../index.js';

export type ProxyUsers = readonly ProxyUser[] | undefined;

/** RFC 1929 counts the bytes of a name and of a password in one byte each. */
const MAX_LENGTH = 255;
const MAX_BYTES = 64 * 1024;

/**
 * The file of --socks-auth: lines `user:password` or `user:sha256:HEX`; empty lines and those that begin with # are none.
 * @throws ExitError (usage) that names the line, never what it holds
 */
export function readProxyUsers(path: string): readonly ProxyUser[] {
  const text = readSecretFile({ path, flag: '--socks-auth', maxBytes: MAX_BYTES });
  if (Buffer.byteLength(text) >= MAX_BYTES) throw usage('the file has more than 64 KiB');
  const users = text
    .split(/\r?\n/)
    .flatMap((line, index) => (line.trim() === '' || line.startsWith('#') ? [] : [parseLine(line, index + 1)]));
  if (users.length === 0) throw usage('the file names no user; expected lines user:password');
  return users;
}

function parseLine(line: string, number: number): ProxyUser {
  const colon = line.indexOf(':');
  const [name, secret] = [line.slice(0, colon), line.slice(colon + 1)];
  const fits = [name, secret].every((part) => part !== '' && Buffer.byteLength(part) <= MAX_LENGTH);
  if (colon < 0 || !fits) throw usage(`line ${number} is not user:password, each of 1 to ${MAX_LENGTH} bytes`);
  if (!secret.startsWith('sha256:')) return { name, sha256: createHash('sha256').update(secret).digest('hex') };
  const sha256 = secret.slice('sha256:'.length);
  if (!/^[0-9a-f]{64}$/i.test(sha256)) throw usage(`line ${number}: 64 hexadecimal digits must follow sha256:`);
  if (isDigestOfNothing(sha256)) throw usage(`line ${number}: the digest of an empty password`);
  return { name, sha256 };
}

function usage(message: string): ExitError {
  return new ExitError(ExitCode.usage, `--socks-auth: ${message}`);
}
