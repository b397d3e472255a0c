import { describe, expect, test } from 'vitest';
import { THROUGHPUT_HOST } from 'wsproxy-engine';
import { FakeClock } from 'wsproxy-engine/testing';
import { DialTurns } from '../../src/limits/dial-turns.js';
import { resolveLimits } from '../../src/limits/limits.js';
import { SessionTurns } from '../../src/limits/session-turns.js';
import { UserTurns } from '../../src/limits/user-turns.js';
import { ChannelTotals } from '../../src/sessions/channel-totals.js';

const METADATA = '169.254.169.254:80';

/** Which of these count for an examination, in a session whose client says that it is one, or does not. */
function probesAmong(isProbe: boolean, targets: readonly string[]): string[] {
  const [limits, clock] = [resolveLimits(), new FakeClock()];
  const user = new UserTurns({ limits, clock, turns: new DialTurns(clock) });
  const totals = new ChannelTotals('01010101', isProbe, { beginTurns: () => new SessionTurns(user, limits) });
  return targets.filter((target) => {
    const [host = '', port] = target.split(':');
    return totals.takesForProbe({ host, port: Number(port) });
  });
}

describe('a session whose client says that it only examines the way', () => {
  test('is believed what doctor asks for, once', () => {
    const asked = [METADATA, '127.0.0.1:9', METADATA, '127.0.0.1:9'];
    expect(probesAmong(true, asked)).toEqual([METADATA, '127.0.0.1:9']);
  });

  test('is believed nothing else, so that it hides no scan', () => {
    const scan = ['10.0.0.1:22', '169.254.169.254:8080', '127.0.0.1:22', 'metadata.example:80'];
    expect(probesAmong(true, scan)).toEqual([]);
  });

  test('may measure as often as it likes', () => {
    const service = `${THROUGHPUT_HOST}:1`;
    expect(probesAmong(true, [service, service])).toEqual([service, service]);
  });
});

test('no other session has any', () => {
  expect(probesAmong(false, [METADATA, `${THROUGHPUT_HOST}:1`])).toEqual([]);
});
