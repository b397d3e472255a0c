import { OptionError } from 'wsproxy-node/options';
import { checkRemoteForward } from '../options/method-options.js';
import { OPTION_CHECKS, problemOfForwarded, problemOfTarget } from '../options/option-checks.js';
import type { ForwardFlags } from './reload.js';
import { optionsOf, type RemoteForward } from './remote-forward.js';

/** @throws OptionError for the first destination, rule or address to tell that the library would not take */
export function checkTargets(flags: TargetFlags): void {
  for (const { target } of (flags.forward ?? []).flat()) tell('forward', problemOfForwarded(target));
  tell('remoteForward', problemOfRemote((flags.remoteForward ?? []).flat()));
  for (const rule of flags.reverseAllow ?? []) tell('reverseAllow', OPTION_CHECKS['allow rule'](rule));
  for (const rule of flags.inspect ?? []) tell('inspect', OPTION_CHECKS['inspect rule'](rule));
  for (const key of ['inspectOut', 'inspectScript', 'inspectSecrets'] as const) {
    if (flags[key] && flags.inspect === undefined) throw new OptionError(key, 'it takes --inspect');
  }
  const isSeen = flags.status !== undefined || flags.inspectOut !== undefined || flags.inspectScript !== undefined;
  if (flags.inspect !== undefined && !isSeen) {
    throw new OptionError('inspect', 'nobody would see anything; it takes --status, --inspect-out or --inspect-script');
  }
  if (flags.inspectOut !== undefined) tell('inspectOut', OPTION_CHECKS.archive(flags.inspectOut));
  if (flags.stdio !== undefined) tell('stdio', problemOfTarget(flags.stdio));
  if (flags.udpAdvertise !== undefined) tell('udpAdvertise', OPTION_CHECKS.advertised(flags.udpAdvertise));
}

/** What is wrong with one -R, or with two of them together. */
export function problemOfRemote(forwards: readonly RemoteForward[]): string | undefined {
  const places = new Set<string>();
  for (const forward of forwards) {
    const { text, at, target } = forward;
    try {
      checkRemoteForward(optionsOf(forward, {}));
    } catch (error) {
      if (!(error instanceof OptionError)) throw error;
      return `${text}: ${error.problem}`;
    }
    const isAnywhere = 'port' in at && at.port === 0;
    const place = JSON.stringify([at, isAnywhere ? target : target?.endsWith('/udp') === true]);
    if (places.has(place)) return `${text}: another one is for the same place`;
    places.add(place);
  }
  return undefined;
}

interface TargetFlags extends ForwardFlags {
  readonly reverseAllow?: readonly string[];
  readonly inspect?: readonly string[];
  readonly inspectOut?: string;
  readonly inspectScript?: string;
  readonly inspectSecrets?: boolean;
  readonly status?: unknown;
  readonly stdio?: string;
  readonly udpAdvertise?: string;
}

function tell(key: string, problem: string | undefined): void {
  if (problem !== undefined) throw new OptionError(key, problem);
}
