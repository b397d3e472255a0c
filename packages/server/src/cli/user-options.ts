import { createHash, randomBytes } from 'node:crypto';
import { Command, InvalidArgumentError, Option } from 'commander';
import { ExitCode, ExitError, readToken } from 'wsproxy-cli';
import type { UserEntry } from '../index.js';

/** Who may come in. */
export interface UserOptions {
  readonly users?: string;
  readonly tokenFile?: string;
}

export function addUserOptions(program: Command): void {
  program
    .option(
      '--users <file>',
      'file with the users, their tokens, rules and limits (docs/users.md); read again on SIGHUP and when it changes',
    )
    .option('--token-file <file>', 'file with the token of the one user there is; WSPROXY_TOKEN is the other way');
}

/** Adds `token`, which makes a token. Its lines go to `write`. */
export function addTokenCommand(program: Command, write: (text: string) => void): void {
  const command = new Command('token')
    .description('make a token: prints it, then the line for the file of --users')
    .addOption(new Option('--id <name>', 'who the token is for').argParser(parseId).default('default'))
    .action(({ id }: { id: string }) => {
      // 256 bits, in an alphabet that survives files, headers and shells.
      const token = randomBytes(32).toString('base64url');
      const digest = createHash('sha256').update(token).digest('hex');
      write(`${token}\n- { id: ${JSON.stringify(id)}, token: "sha256:${digest}" }\n`);
    });
  program.addCommand(command);
}

/** What `Server` takes: the one token, or the users. */
export async function readCredentials(
  { users, tokenFile }: UserOptions,
  env: string | undefined,
): Promise<{ token: string } | { users: readonly UserEntry[] }> {
  if (users === undefined) return { token: readToken({ file: tokenFile, env }) };
  const other = tokenFile === undefined ? env && 'WSPROXY_TOKEN' : '--token-file';
  if (other !== undefined && other !== '') {
    throw new ExitError(
      ExitCode.usage,
      `--users and ${other} exclude each other: give the token a line in the users file`,
    );
  }
  // The reader of YAML is not loaded for nothing.
  const { readUsers } = await import('./users-file.js');
  return { users: readUsers(users) };
}

function parseId(text: string): string {
  if (/^[\w@+-][\w.@+-]{0,63}$/.test(text)) return text;
  throw new InvalidArgumentError('Expected 1 to 64 letters, digits or any of . _ @ + -.');
}
