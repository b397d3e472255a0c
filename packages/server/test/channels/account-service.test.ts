import { once } from 'node:events';
import { text } from 'node:stream/consumers';
import { describe, expect, test } from 'vitest';
import { AccountService } from '../../src/channels/account-service.js';

const QUOTA = { bytes: 3, limit: undefined, endsAt: Date.UTC(2030, 0) };

describe('the account service', () => {
  test.each([
    [undefined, null],
    [9, 9],
  ])('says what is counted for its user, and ends (limit %s)', async (limit, told) => {
    const service = new AccountService('alice', { ...QUOTA, limit });
    service.end('whatever comes');
    expect(JSON.parse(await text(service))).toEqual({
      user: 'alice',
      quota: { bytes: 3, limit: told, endsAt: '2030-01-01T00:00:00.000Z' },
    });
    expect(service.closed).toBe(true);
  });

  test('does not wait for a client that goes on sending', async () => {
    const service = new AccountService('alice', QUOTA).resume();
    service.write('x');
    await once(service, 'close');
    expect(service.writableFinished).toBe(false);
  });
});
