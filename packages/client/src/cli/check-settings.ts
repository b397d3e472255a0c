import type { Command } from 'commander';
import { libraryOptions, namesFile, readToken, type TableArgument, type TableOption } from 'wsproxy-cli';
import { OptionError, type OptionRule, problemOf } from 'wsproxy-node/options';
import { createClient } from '../index.js';
import { OPTION_CHECKS, problemOfTarget } from '../options/option-checks.js';
import type { ClientUnit } from '../options/options.js';
import type { Forward } from './forward.js';
import { readProxyUsers } from './proxy-users.js';
import { parseHeaders, type ReachFlags, readPem, readReach } from './read-reach.js';

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

/** @throws OptionError for the first destination of -L and -W that is none */
export function checkTargets(flags: { readonly forward?: readonly Forward[]; readonly stdio?: string }): void {
  for (const { target } of flags.forward ?? []) checkTarget('forward', target);
  if (flags.stdio !== undefined) checkTarget('stdio', flags.stdio);
}

function checkTarget(key: string, text: string): void {
  const problem = problemOfTarget(text);
  if (problem !== undefined) throw new OptionError(key, problem);
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
      return (value as readonly Forward[]).map(({ target }) => problemOfTarget(target));
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
