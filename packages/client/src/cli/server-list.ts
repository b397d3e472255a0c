import { ExitCode, ExitError, readToken } from 'wsproxy-cli';
import type { ClientOptions } from '../index.js';

/**
 * The servers that the command line names, each with its token: one file for all, or one for each, in their order.
 * @throws ExitError (usage)
 */
export function readServers(
  urls: readonly string[],
  tokenFiles: readonly string[],
  env: string | undefined,
): Pick<ClientOptions, 'url' | 'token' | 'fallbacks'> {
  const [url, ...others] = urls;
  if (url === undefined) {
    throw new ExitError(ExitCode.usage, 'no server: give its URL, wss://host[:port]/path, or a configuration file');
  }
  if (tokenFiles.length > 1 && tokenFiles.length !== urls.length) {
    const counts = `${tokenFiles.length} for ${urls.length} ${urls.length === 1 ? 'server' : 'servers'}`;
    throw new ExitError(ExitCode.usage, `--token-file: ${counts}; give one for all, or one for each in their order`);
  }
  const token = readToken({ file: tokenFiles[0], env });
  const fallbacks = others.map((other, i) => {
    const file = tokenFiles[i + 1];
    return { url: other, token: file === undefined ? token : readToken({ file, env }) };
  });
  return { url, token, fallbacks };
}
