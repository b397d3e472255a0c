import type { Command } from 'commander';
import { libraryOptions, namesFile, readToken, type TableArgument, type TableOption } from 'wsproxy-cli';
import { type OptionRule, problemOf } from 'wsproxy-node/options';
import { createClient } from '../client.js';
import { OPTION_CHECKS, problemOfForwarded } from '../options/option-checks.js';
import type { ClientUnit } from '../options/options.js';
import { problemOfRemote } from './check-targets.js';
import type { Forward } from './forward.js';
import { readProxyUsers } from './proxy-users.js';
import { parseHeaders, type ReachFlags, readPem, readReach } from './read-reach.js';
import type { RemoteForward } from './remote-forward.js';

/** Rejects with what is wrong with one setting of the configuration file by itself, so that it can be told with its line. */
export async function checkSetting(option: TableOption | TableArgument, value: unknown): Promise<void> {
  if (namesFile(option.rule)) return readFilesOf(option, value);
  const [problem] = problemsOf(option, value).filter((each) => each !== undefined);
  if (problem !== undefined) throw new TypeError(problem);
}

/** Rejects with OptionError when the settings of `program` do not go together. */
export async function checkSettings(program: Command): Promise<void> {
  const [url = 'wss://localhost/', ...others] = (program.processedArgs[0] ?? []) as string[];
  const token = 'x'.repeat(32);
  const reach = readReach(program.opts<ReachFlags>(), () => undefined);
  // Making one does nothing else than to judge its options.
  createClient({
    ...libraryOptions(program),
    ...reach,
    url,
    token,
    fallbacks: others.map((other) => ({ url: other })),
  });
}

/** Of the value in the form that the library takes. */
function problemsOf(option: TableOption | TableArgument, value: unknown): readonly (string | undefined)[] {
  const rule = option.rule as OptionRule<ClientUnit>;
  const judge = (one: unknown): string | undefined => problemOf(rule, OPTION_CHECKS, one);
  switch (option.key) {
    case 'url':
      return (value as readonly string[]).map(judge);
    case 'headers':
      return [judge(parseHeaders(value as readonly string[]))];
    case 'forward':
      return (value as readonly (readonly Forward[])[]).flat().map(({ target }) => problemOfForwarded(target));
    case 'remoteForward':
      return [problemOfRemote((value as readonly (readonly RemoteForward[])[]).flat())];
    case 'proxy':
      return [value === 'none' ? undefined : judge(value)];
    default:
      return [judge(value)];
  }
}

function readFilesOf({ key, rule, label }: TableOption | TableArgument, value: unknown): void {
  if (key === 'token') for (const file of value as readonly string[]) readToken({ file });
  else if (key === 'socksAuth') readProxyUsers(String(value));
  else {
    const problem = OPTION_CHECKS[rule.unit as ClientUnit](readPem(label, String(value), rule.secret));
    if (problem !== undefined) throw new TypeError(problem);
  }
}
