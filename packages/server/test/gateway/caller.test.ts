import type { IncomingMessage } from 'node:http';
import { describe, expect, test } from 'vitest';
import { VERSION } from 'wsproxy-engine';
import { DOCTOR_AGENT, USER_AGENT } from '../../../client/src/reach/user-agent.js';
import { callerOf } from '../../src/gateway/caller.js';

const caller = (agent: string | undefined) =>
  callerOf({ headers: { 'user-agent': agent } } as IncomingMessage, () => '192.0.2.1');

describe('who asks', () => {
  test.each([
    [USER_AGENT, { version: VERSION }],
    [DOCTOR_AGENT, { version: VERSION, probe: true }],
    ['Mozilla/5.0 wsproxy-client/1.2.3-rc.1', { version: '1.2.3-rc.1' }],
    ['wsproxy-client/1.2.3 node/24', { version: '1.2.3' }],
    [undefined, {}],
    ['curl/8.5.0', {}],
    ['xwsproxy-client/1.2.3', {}],
    [`wsproxy-client/1${'.2'.repeat(40)}`, {}],
    ['wsproxy-client/1.2.3\u0007', {}],
    ['wsproxy-client/(doctor)', {}],
  ])('and says %s', (agent, expected) => {
    expect(caller(agent)).toEqual({ remoteAddress: '192.0.2.1', ...expected });
  });
});
