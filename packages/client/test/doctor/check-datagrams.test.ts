import { expect, test } from 'vitest';
import { Capability, type FailureCode } from 'wsproxy-engine';
import { checkDatagrams } from '../../src/doctor/check-datagrams.js';
import type { ProbeSession } from '../../src/doctor/probe-session.js';

/** A server that answers so, and knows what counts bytes for datagrams or not. */
function probe(outcome: 'open' | FailureCode, isNew = true): ProbeSession {
  const terms = { has: (capability: number) => isNew && capability === Capability.taken };
  return { askFlow: async () => ({ outcome, ms: 1.234 }), session: { terms } } as unknown as ProbeSession;
}

test.each([
  ['open', true, { mark: 'ok', text: 'the server carries UDP', figures: { openedMs: 1.2 } }],
  ['UNSUPPORTED', false, { mark: 'skip', text: 'no UDP: the server is older than this program' }],
  ['UNSUPPORTED', true, { mark: 'skip', text: 'no UDP: the server carries none (--no-udp, or --upstream)' }],
  ['DENIED', true, { mark: 'skip', text: 'no UDP: the server carries none (--no-udp, or --upstream)' }],
  ['LIMIT_REACHED', true, { mark: 'warn', text: 'no UDP now: limit reached', cure: expect.stringContaining('log') }],
] as const)('a server that answers %s, new: %s, is judged in one line', async (outcome, isNew, finding) => {
  expect(await checkDatagrams(probe(outcome, isNew))).toEqual(finding);
});
