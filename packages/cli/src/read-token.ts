import { MAX_TOKEN_LENGTH, problemOfToken } from 'wsproxy-node/options';
import { ExitCode, ExitError } from './exit-code.js';
import { nameOfFile, readSecretFile } from './read-secret-file.js';

const MAKE_ONE = 'make one with: head -c 32 /dev/urandom | base64';

/** Where a token may come from; the file is used if both are given. */
export interface TokenSources {
  /** The value of --token-file. */
  readonly file?: string | undefined;
  /** The value of the environment variable WSPROXY_TOKEN. */
  readonly env?: string | undefined;
}

/**
 * The token, without the byte order mark and the white space around it that editors and shells leave behind.
 * @throws ExitError (usage) that names the source, what is wrong with it and the remedy, never the token
 */
export function readToken(sources: TokenSources): string {
  if (sources.file !== undefined) {
    const file = { path: sources.file, flag: '--token-file', maxBytes: 2 * MAX_TOKEN_LENGTH };
    return checkToken(readSecretFile(file), nameOfFile(file.path, file.flag));
  }
  if (sources.env !== undefined) return checkToken(sources.env, 'WSPROXY_TOKEN');
  throw usage(`no token: put one in a file and give --token-file FILE, or set WSPROXY_TOKEN; ${MAKE_ONE}`);
}

function checkToken(text: string, name: string): string {
  const token = text.replace(/^\ufeff/, '').trim();
  if (token === '') throw usage(`${name} is empty; ${MAKE_ONE}`);
  if (/[\r\n]/.test(token)) throw usage(`${name} has more than one line; it must hold one token and nothing else`);
  const problem = problemOfToken(token);
  if (problem !== undefined) throw usage(`${name} ${problem}; ${MAKE_ONE}`);
  return token;
}

function usage(message: string): ExitError {
  return new ExitError(ExitCode.usage, message);
}
