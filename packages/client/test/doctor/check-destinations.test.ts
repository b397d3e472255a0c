import { describe, expect, test } from 'vitest';
import type { FailureCode } from 'wsproxy-engine';
import { checkDestinations } from '../../src/doctor/check-destinations.js';
import type { ProbeSession } from '../../src/doctor/probe-session.js';

/** A session in which every destination comes to this. */
function comesTo(outcome: 'open' | FailureCode): ProbeSession {
  return { ask: async () => ({ outcome }) } as unknown as ProbeSession;
}

describe('of what a server should keep closed, doctor says', () => {
  test('that it is, where the rules say so', async () => {
    expect(await checkDestinations(comesTo('DENIED'), [])).toMatchObject({ mark: 'ok' });
  });

  test.each(['open', 'CONNECTION_REFUSED', 'DIAL_TIMEOUT'] as const)(
    'that it is not, where a dial comes to %s',
    async (outcome) => {
      const { mark, text } = await checkDestinations(comesTo(outcome), []);
      expect([mark, text]).toEqual(['warn', expect.stringContaining('lets its clients reach the metadata service')]);
    },
  );

  test.each(['QUOTA_USED_UP', 'LIMIT_REACHED', 'TUNNEL_DOWN'] as const)(
    'that it is not known, where nothing was dialled: %s',
    async (outcome) => {
      const { mark, text } = await checkDestinations(comesTo(outcome), []);
      expect([mark, text]).toEqual(['skip', expect.stringMatching(/^it is not known whether .*: ./)]);
    },
  );
});
