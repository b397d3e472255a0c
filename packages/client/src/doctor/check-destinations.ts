import { FAILURES, type FailureCode, formatTarget, type Target } from 'wsproxy-engine';
import { type Finding, fail, ok, warn } from './finding.js';
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
  for (const [what, target] of GUARDED) {
    const { outcome } = await probe.ask(target);
    figures[formatTarget(target)] = outcome;
    if (outcome !== 'DENIED') exposed.push(what);
  }
  if (unreached.length > 0) {
    const cure = unreached.some(({ outcome }) => outcome === 'DENIED')
      ? "the server's rules close it: --allow there, or the user's rules (docs/policy.md)"
      : 'the server itself does not reach it: try from its machine';
    const whys = unreached.map(({ target, outcome }) => `${formatTarget(target)}: ${FAILURES[outcome].text}`);
    return { ...fail(`not through the tunnel: ${whys.join('; ')}`, cure), figures };
  }
  const reached = wanted.length === 0 ? '' : `${wanted.map(formatTarget).join(', ')} reached; `;
  if (exposed.length === 0) return ok(`${reached}private addresses are closed`, figures);
  return warn(
    `${reached}the server lets its clients reach ${exposed.join(' and ')}`,
    'right only if its clients are to: --allow-private is set there',
    figures,
  );
}

/** What a server should not reach for its clients, unless its operator wants it so. */
const GUARDED: readonly (readonly [what: string, target: Target])[] = [
  ['the metadata service of its cloud', { host: '169.254.169.254', port: 80 }],
  ['the ports of its own machine', { host: '127.0.0.1', port: 9 }],
];
