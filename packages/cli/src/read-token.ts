import { MAX_TOKEN_LENGTH, problemOfToken } from 'wsproxy-node/options';
import { ExitCode, ExitError } from './exit-code.js';
import { nameOfFile, readSecretFile } from './read-secret-file.js';
import { orServiceFile } from './service-file.js';

/** Of one user at a time: the present one, the next one, and some that were forgotten. */
const MOST_TOKENS = 8;
/** What is cut off at this length is too long, or one token too many. */
const MAX_BYTES = (MOST_TOKENS + 1) * (MAX_TOKEN_LENGTH + 2);
const MAKE_ONE = '; make one with: wsproxy-server token (the first line that it prints)';

/** Where a token may come from; the file is used if both are given. */
export interface TokenSources {
  /** The value of --token-file. */
  readonly file?: string | undefined;
  /** The value of the environment variable WSPROXY_TOKEN. */
  readonly env?: string | undefined;
  /** The configuration file of the service, told to those who gave no token and no --config. */
  readonly serviceFile?: string | undefined;
}

/**
 * The token, without the byte order mark and the white space around it that editors and shells leave behind.
 * @throws ExitError (usage) that names the source, what is wrong with it and the remedy, never the token
 */
export function readToken(sources: TokenSources): string {
  const { lines, name } = readLines(sources);
  if (lines.length > 1) throw usage(`${name} has more than one line; it must hold one token and nothing else`);
  return lines.map((line) => checkToken(line, name)).join();
}

/** The same where each of several tokens is good, one a line. */
export function readTokens(sources: TokenSources): readonly string[] {
  const { lines, name } = readLines(sources);
  if (lines.length > MOST_TOKENS) throw usage(`${name} has more than ${MOST_TOKENS} tokens`);
  if (new Set(lines).size < lines.length) throw usage(`${name} has one token twice`);
  return lines.map((line) => checkToken(line, name));
}

/** Those that are not empty, one at least. */
function readLines({ file, env, serviceFile }: TokenSources): {
  readonly lines: readonly string[];
  readonly name: string;
} {
  const flag = '--token-file';
  const name = file === undefined ? 'WSPROXY_TOKEN' : nameOfFile(file, flag);
  const text = file === undefined ? env : readSecretFile({ path: file, flag, maxBytes: MAX_BYTES });
  if (text === undefined) {
    const hint = `${MAKE_ONE}${orServiceFile(serviceFile)}`;
    throw usage(`no token: put one in a file and give --token-file FILE, or set WSPROXY_TOKEN${hint}`);
  }
  const texts = text.replace(/^\ufeff/, '').split(/[\r\n]+/);
  const lines = texts.map((line) => line.trim()).filter((line) => line !== '');
  if (lines.length === 0) throw usage(`there is no token in ${name}${MAKE_ONE}`);
  return { lines, name };
}

function checkToken(token: string, name: string): string {
  const problem = problemOfToken(token);
  if (problem !== undefined) throw usage(`the token in ${name} cannot be used: it ${problem}${MAKE_ONE}`);
  return token;
}

function usage(message: string): ExitError {
  return new ExitError(ExitCode.usage, message);
}
