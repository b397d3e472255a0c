import {
  FAILURES,
  type FailureCode,
  formatTarget,
  GUARDED_MACHINE,
  GUARDED_METADATA,
  type Target,
} from 'wsproxy-engine';
import { type Finding, fail, ok, skip, warn } from './finding.js';
import type { ProbeSession } from './probe-session.js';

/** Whether the server reaches `wanted`, and keeps closed what should be. Without `wanted` only the latter is known. */
export async function checkDestinations(probe: ProbeSession, wanted: readonly Target[]): Promise<Finding> {
  const figures: Record<string, string> = {};
  const unreached: { readonly target: Target; readonly outcome: FailureCode }[] = [];
  for (const target of wanted) {
    const { outcome } = await probe.ask(target);
    figures[formatTarget(target)] = outcome;
    if (outcome !== 'open') unreached.push({ target, outcome });
  }
  const exposed: string[] = [];
  let unknown: FailureCode | undefined;
  for (const [what, target] of GUARDED) {
    const { outcome } = await probe.ask(target);
    figures[formatTarget(target)] = outcome;
    if (outcome === 'open' || DIALLED.has(outcome)) exposed.push(what);
    else if (outcome !== 'DENIED') unknown = outcome;
  }
  if (unreached.length > 0) {
    const cure = unreached.some(({ outcome }) => outcome === 'DENIED')
      ? "the server's rules close it: --allow there, or the user's rules (docs/policy.md)"
      : 'the server itself does not reach it: try from its machine';
    const whys = unreached.map(({ target, outcome }) => `${formatTarget(target)}: ${FAILURES[outcome].text}`);
    return { ...fail(`not through the tunnel: ${whys.join('; ')}`, cure), figures };
  }
  const reached = wanted.map(formatTarget).join(', ');
  if (exposed.length === 0 && unknown !== undefined) {
    const why = FAILURES[unknown].text;
    const text = `${reached === '' ? '' : `${reached} reached; `}it is not known whether private addresses are closed: ${why}`;
    return { ...skip(text), figures };
  }
  if (exposed.length === 0)
    return ok(`${reached === '' ? '' : `${reached} reached; `}private addresses are closed`, figures);
  return warn(
    `${reached === '' ? '' : `${reached} reached; `}the server lets its clients reach ${exposed.join(', ')}`,
    'right only if its clients are to: --allow-private is set there',
    figures,
  );
}

/** How a destination fails that was dialled: the rules have let it pass. A limit or a quota says nothing of the rules. */
const DIALLED: ReadonlySet<FailureCode> = new Set([
  'NETWORK_UNREACHABLE',
  'HOST_UNREACHABLE',
  'CONNECTION_REFUSED',
  'CONNECTION_RESET',
  'DIAL_TIMEOUT',
]);

/** What a server should not reach for its clients, unless its operator wants it so. */
const GUARDED: readonly (readonly [what: string, target: Target])[] = [
  ['the metadata service of its cloud', GUARDED_METADATA],
  ['the ports of its own machine', GUARDED_MACHINE],
];
