import { Capability, FAILURES } from 'wsproxy-engine';
import { type Finding, ok, skip, toTenths, warn } from './finding.js';
import type { ProbeSession } from './probe-session.js';

/** Whether the server carries datagrams (UDP) for its user. That it does not may be what its operator wants. */
export async function checkDatagrams(probe: ProbeSession): Promise<Finding> {
  const { outcome, ms } = await probe.askFlow();
  if (outcome === 'open') return ok('the server carries UDP', { openedMs: toTenths(ms) });
  if (outcome === 'DENIED') return skip(`no UDP: ${BY_RULES}`);
  if (outcome !== 'UNSUPPORTED') {
    return warn(`no UDP now: ${FAILURES[outcome].text}`, 'see the log of the server, and its limits (docs/limits.md)');
  }
  return skip(
    `no UDP: ${probe.session.terms.has(Capability.taken) ? BY_RULES : 'the server is older than this program'}`,
  );
}

const BY_RULES = 'the server carries none (--no-udp, or --upstream)';
