import { createHash, randomBytes } from 'node:crypto';
import { Command, InvalidArgumentError, Option } from 'commander';
import { isUserId, USER_ID_EXPECTED } from '../users/user-id.js';

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

function parseId(text: string): string {
  if (isUserId(text)) return text;
  throw new InvalidArgumentError(`Expected ${USER_ID_EXPECTED}.`);
}
