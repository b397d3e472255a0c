import { ExitCode, ExitError, isRepeatable, readToken, watchFile } from 'wsproxy-cli';
import type { Client, ClientOptions } from '../index.js';
import { commandToken, type Environment, type TokenCommand } from './command-token.js';

/** Where the tokens come from. */
export interface TokenFlags {
  /** One for all servers, or one for each. */
  readonly tokenFile?: readonly string[];
  readonly tokenCommand?: string;
}

type Token = ClientOptions['token'];

/**
 * The servers that the command line names, each with its token: one file for all, or one for each, in their order.
 * `tell` and `reloads` are of the command for them, if that is where they come from.
 * @throws ExitError (usage)
 */
export function readServers(
  urls: readonly string[],
  { tokenFile: files = [], tokenCommand: command }: TokenFlags,
  env: Environment,
  { tell, reloads = () => 0 }: Pick<TokenCommand, 'tell'> & Partial<Pick<TokenCommand, 'reloads'>>,
): Pick<ClientOptions, 'url' | 'token' | 'fallbacks'> {
  const [url, ...others] = urls;
  if (url === undefined) {
    throw new ExitError(ExitCode.usage, 'no server: run wsproxy-client init, or give its URL, wss://host[:port]/path');
  }
  if (command !== undefined) {
    if (command.trim() === '') throw new ExitError(ExitCode.usage, '--token-command: expected a command');
    const ask = (server: string): Token => commandToken({ command, server, env, tell, reloads });
    return { url, token: ask(url), fallbacks: others.map((other) => ({ url: other, token: ask(other) })) };
  }
  if (files.length > 1 && files.length !== urls.length) {
    const counts = `${files.length} for ${urls.length} ${urls.length === 1 ? 'server' : 'servers'}`;
    throw new ExitError(ExitCode.usage, `--token-file: ${counts}; give one for all, or one for each in their order`);
  }
  const token = tokenOf(files[0], env);
  const fallbacks = others.map((other, i) => {
    const file = files[i + 1];
    return { url: other, token: file === undefined ? token : tokenOf(file, env) };
  });
  return { url, token, fallbacks };
}

/**
 * Goes before the tokens: one that is missing may be a part of what was given for a URL.
 * @throws ExitError (usage)
 */
export async function checkUrls(urls: readonly string[]): Promise<void> {
  // What parses it is the engine's.
  const { parseServerUrl } = await import('../reach/server-url.js');
  for (const url of urls) {
    try {
      parseServerUrl(url);
    } catch (error) {
      throw new ExitError(ExitCode.usage, `url: ${(error as Error).message}`, { cause: error });
    }
  }
}

/** Anyone who changes the files need not say so: sessions go on with what they hold now, and the old tokens can be taken away. */
export function followTokens({ tokenFile = [] }: TokenFlags, client: Client): void {
  const files = tokenFile.filter(isRepeatable);
  if (files.length > 0) watchFile(files, () => client.renew());
}

/** Read now, so that a mistake is told at once, and again for every connection. */
function tokenOf(file: string | undefined, env: Environment): Token {
  if (file === undefined || !isRepeatable(file)) return readToken({ file, env: env['WSPROXY_TOKEN'] });
  readToken({ file });
  return () => readToken({ file });
}
