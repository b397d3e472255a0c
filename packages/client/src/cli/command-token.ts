import { CommandError, firstLineOf } from 'wsproxy-cli';
import { problemOfToken } from 'wsproxy-node/options';
import type { TokenSource } from '../index.js';

export type Environment = Readonly<Record<string, string | undefined>>;

export interface TokenCommand {
  /** For the shell. */
  readonly command: string;
  /** The server that the token is for; the command finds it in WSPROXY_SERVER. */
  readonly server: string;
  readonly env: Environment;
  /** Is told each line that the command writes to standard error. */
  readonly tell: (text: string) => void;
  /** How often the user has asked for everything anew: what was given before does not count. */
  readonly reloads: () => number;
}

/**
 * The first line that a command prints, as credential helpers of git and plugins of kubectl do. What it has given is kept
 * until the server refuses it, or the user asks for a new one; anyone who asks meanwhile waits for the one command that runs.
 */
export function commandToken(options: TokenCommand): Exclude<TokenSource, string> {
  let kept: { readonly token: string; readonly reloads: number } | undefined;
  let running: Promise<string> | undefined;
  return (refused) => {
    const reloads = options.reloads();
    if (kept !== undefined && kept.token !== refused && kept.reloads === reloads) return kept.token;
    running ??= run(options)
      .then((token) => {
        kept = { token, reloads };
        return token;
      })
      .finally(() => {
        running = undefined;
      });
    return running;
  };
}

async function run({ command, server, env, tell }: TokenCommand): Promise<string> {
  try {
    const line = await firstLineOf({ command, env: { ...env, WSPROXY_SERVER: server }, tell });
    if (line === '') throw new Error('--token-command printed no token');
    const problem = problemOfToken(line);
    if (problem !== undefined) throw new Error(`the first line of --token-command ${problem}`);
    return line;
  } catch (error) {
    if (!(error instanceof CommandError)) throw error;
    // It is loaded: nobody is asked for a token before there is a client.
    const { ConnectError } = await import('wsproxy-engine/connector');
    throw new ConnectError(`--token-command ${error.message}`, error.isMissing);
  }
}
