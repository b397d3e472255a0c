import { match, ok } from 'node:assert/strict';
import { Command, InvalidArgumentError } from 'commander';
import { parseConfig } from '../../../packages/cli/src/config/config-text.js';
import { parseDuration } from '../../../packages/cli/src/duration.js';
import { parseListenOrUnix } from '../../../packages/cli/src/listen-address.js';
import { addOptions } from '../../../packages/cli/src/options/add-options.js';
import { parseSize } from '../../../packages/cli/src/size.js';
import { parseForward } from '../../../packages/client/src/cli/forward.js';
import { parseRemoteForward } from '../../../packages/client/src/cli/remote-forward.js';
import { OPTIONS as CLIENT_OPTIONS } from '../../../packages/client/src/options/options.js';
import { parseProxyUrl } from '../../../packages/node/src/dial/upstream/proxy.js';
import { parseDestinationRule } from '../../../packages/node/src/targets/destination-rule.js';
import { parseUsers, UsersFileError } from '../../../packages/server/src/cli/users-file.js';
import { parseListenRule } from '../../../packages/server/src/listeners/rules/listen-rule.js';
import { OPTIONS as SERVER_OPTIONS } from '../../../packages/server/src/options/options.js';
import type { Target } from '../target.js';

/** In the corpus, where a token or a password stands. */
const SECRET = 'b5bb9d8014a0f9b1d61e21e796d78dccdf1352f23cd32812f4850b878ae4944c';

interface Mistake {
  readonly line: number;
  readonly message: string;
}

function expectTold(mistakes: readonly Mistake[], text: string): void {
  const lines = text.split('\n').length;
  for (const { line, message } of mistakes) {
    ok(line >= 1 && line <= lines + 1, `line ${line} of ${lines}`);
    match(message, /^[^\n\r]+$/, 'a mistake is told in one line');
  }
}

const programs = [CLIENT_OPTIONS, SERVER_OPTIONS].map((table) => addOptions(new Command('example'), table));

/** Configuration files of both programs. */
export const config: Target = {
  name: 'config',
  run(input) {
    const text = input.toString();
    for (const program of programs) {
      expectTold(parseConfig(program, text, { folder: '/etc', home: '/root' }).mistakes, text);
    }
  },
};

/** The users file of the server. */
export const users: Target = {
  name: 'users',
  run(input) {
    const text = input.toString();
    try {
      for (const { id } of parseUsers(text)) ok(id !== '', 'a user has an id');
    } catch (error) {
      ok(error instanceof UsersFileError, `only a list of mistakes is thrown, not ${error}`);
      expectTold(error.mistakes, text);
      ok(error.mistakes.length > 0, 'a file that is refused has a mistake');
      ok(!error.message.includes(SECRET), 'a secret is told to nobody');
    }
  },
};

/** Parsers of single values on the command line, and what they throw for people to read. */
const VALUES: readonly (readonly [
  parse: (text: string) => unknown,
  error: ErrorConstructor | typeof InvalidArgumentError,
])[] = [
  [parseDestinationRule, TypeError],
  [parseListenRule, TypeError],
  [parseProxyUrl, TypeError],
  [parseDuration, InvalidArgumentError],
  [parseSize, InvalidArgumentError],
  [(text) => parseListenOrUnix(text, '127.0.0.1'), InvalidArgumentError],
  [parseForward, InvalidArgumentError],
  [parseRemoteForward, InvalidArgumentError],
];
/** What JavaScript itself says when nobody has thought of something. */
const UNFORESEEN = /^(Cannot |Invalid URL|Invalid array)|is not (a function|iterable|defined)|of (undefined|null)/;

/** Rules, URLs of proxies, durations, sizes, addresses and forwards. */
export const rules: Target = {
  name: 'rules',
  run(input) {
    const text = input.toString();
    for (const [parse, expected] of VALUES) {
      try {
        parse(text);
      } catch (error) {
        ok(error instanceof expected && !UNFORESEEN.test(error.message), `told, not thrown: ${error}`);
        match(error.message, /^[^\n\r]+$/, 'it is told in one line');
      }
    }
  },
};
