import { Command, InvalidArgumentError, Option } from 'commander';
import { newToken } from '../users/new-token.js';
import { isTokenLabel, TOKEN_LABEL_EXPECTED } from '../users/token-label.js';
import { isUserId, USER_ID_EXPECTED } from '../users/user-id.js';
import { parseTime } from './time.js';

/** Adds `token`, which makes a token. Its lines go to `write`. */
export function addTokenCommand(program: Command, write: (text: string) => void): void {
  const command = new Command('token')
    .description('make a token: prints it, then its line for --users')
    .addOption(new Option('--id <name>', 'who the token is for').argParser(parseId).default('default'))
    .addOption(
      new Option('--label <text>', 'its name in the log, beside other tokens of the user').argParser(parseLabel),
    )
    .addOption(new Option('--expires <time>', 'such as 2027-01-31T18:00:00Z').argParser(parseExpires))
    .addOption(
      new Option('--for <what>', 'a token that opens something else than the tunnel: --wisp').choices(['wisp']),
    )
    .action(({ id, label, expires, for: purpose }: TokenFlags) => {
      const { token, digest } = newToken();
      const only = `token: "${digest}"`;
      const more = Object.entries({ label, expires, for: purpose }).flatMap(([key, value]) =>
        value === undefined ? [] : [`, ${key}: ${JSON.stringify(value)}`],
      );
      const tokens = more.length === 0 ? only : `tokens: [{ ${only}${more.join('')} }]`;
      write(`${token}\n- { id: ${JSON.stringify(id)}, ${tokens} }\n`);
    });
  program.addCommand(command);
}

interface TokenFlags {
  readonly id: string;
  readonly label?: string;
  readonly expires?: string;
  readonly for?: string;
}

function parseLabel(text: string): string {
  if (isTokenLabel(text)) return text;
  throw new InvalidArgumentError(`Expected ${TOKEN_LABEL_EXPECTED}.`);
}

function parseExpires(text: string): string {
  if (parseTime(text) !== undefined) return text;
  throw new InvalidArgumentError('Expected a date and a time with its zone, such as 2027-01-31T18:00:00Z.');
}

function parseId(text: string): string {
  if (isUserId(text)) return text;
  throw new InvalidArgumentError(`Expected ${USER_ID_EXPECTED}.`);
}
