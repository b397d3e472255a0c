import { describe, expect, test } from 'vitest';
import { MAX_PING_INTERVAL, MIN_PING_INTERVAL } from 'wsproxy-engine';
import { isNumberRule, OptionError, problemOf } from 'wsproxy-node/options';
import { createClient } from '../../src/client.js';
import { MAX_IDLE } from '../../src/doctor/check-idle.js';
import { diagnose } from '../../src/doctor/diagnose.js';
import type { ClientOptions } from '../../src/options/client-options.js';
import { OPTION_CHECKS } from '../../src/options/option-checks.js';
import { type ClientUnit, DOCTOR_OPTIONS, OPTIONS } from '../../src/options/options.js';

const NEEDED = { url: 'wss://proxy.example.org/', token: 'a-token-for-tests-0123456789-abcdefghij' };
const rows = Object.entries(OPTIONS).filter(([, { library }]) => library === undefined);

/** What is wrong with a value of each unit, beside what no option takes. */
const WRONG: Readonly<Partial<Record<ClientUnit, readonly unknown[]>>> = {
  fallbacks: ['wss://x/', [{ url: 'x' }], [{ url: 'wss://x/', token: 'short' }], [{}]],
  headers: ['X: 1', { 'Bad Name': '' }, { Connection: 'x' }, { 'X-A': 1 }],
  host: ['a b'],
  logger: [{ info() {} }],
  name: ['127.0.0.1'],
  PEM: ['no certificate'],
  pin: [['sha256//short']],
  proxy: ['ftp://proxy'],
  resolution: [['host:443']],
  rule: ['10.0.0.0/8', ['10.0.0.0/33']],
  token: ['short', 'with a space '.repeat(4)],
  URL: ['https://proxy.example.org/'],
};

function mistakeIn(options: object): OptionError {
  try {
    createClient({ ...NEEDED, ...options } as ClientOptions);
  } catch (error) {
    if (error instanceof OptionError) return error;
    throw error;
  }
  throw new Error('nothing is wrong with them');
}

describe('an option of createClient', () => {
  test.each(rows)('%s is refused by its name, in one line, when its value is none', (key, rule) => {
    const beyond = isNumberRule(rule) ? [rule.min - 1, rule.max + 1, rule.min + 0.5, Number.NaN] : [];
    for (const value of [Symbol('none'), ...beyond, ...(WRONG[rule.unit as ClientUnit] ?? [])]) {
      // Each would be told that the other is missing, no matter what it is.
      const pair = key === 'cert' ? { key: 'x' } : key === 'key' ? { cert: 'x' } : {};
      if (key === 'key') expect(problemOf(rule, OPTION_CHECKS, value)).toBe('expected a string');
      else
        expect(mistakeIn({ ...pair, [key]: value }), String(value)).toMatchObject({
          option: key,
          code: 'INVALID_OPTION',
        });
    }
  });

  test.each(rows)('%s may be undefined, if it is not needed', (key) => {
    if (key in NEEDED) expect(mistakeIn({ [key]: undefined })).toMatchObject({ option: key, problem: 'is missing' });
    else expect(() => createClient({ ...NEEDED, [key]: undefined })).not.toThrow();
  });

  test.each(['heartBeat', 'listen', 'ipv4', 'constructor', ''])('%j is unknown', (key) => {
    expect(mistakeIn({ [key]: 1 })).toMatchObject({
      option: key,
      problem: expect.stringMatching(/^there is no such option/),
    });
  });

  test.each([
    [{ cert: 'x' }, 'cert', /needs its key/],
    [{ key: 'x' }, 'key', /needs its key/],
    [{ url: 'ws://localhost/', pins: [`sha256//${'A'.repeat(43)}=`] }, 'pins', /needs a wss:/],
    [{ url: 'ws://proxy.example.org/' }, 'url', /in clear/],
  ])('that does not go with another is told: %j', (options, option, problem) => {
    expect(mistakeIn(options)).toMatchObject({ option, problem: expect.stringMatching(problem) });
  });

  test('is never told with a secret', () => {
    for (const options of [
      { token: 's3cret' },
      { proxy: 'ftp://user:s3cret@proxy' },
      { key: 's3cret', cert: 's3cret' },
    ]) {
      expect(mistakeIn(options).message).not.toContain('s3cret');
    }
  });
});

test.each([
  [{ idle: 999 }, 'idle'],
  [{ idle: 600_000 }, 'idle'],
  [{ reach: ['example.org'] }, 'reach'],
  [{ quick: 'yes' }, 'quick'],
  [{ destination: 'example.org:80' }, 'destination'],
])('diagnose refuses %j by its name', async (options, option) => {
  await expect(diagnose({ ...NEEDED, ...options } as never)).rejects.toMatchObject({ option, name: 'OptionError' });
});

test('the ranges are those of the protocol', () => {
  expect(OPTIONS.heartbeat).toMatchObject({ min: MIN_PING_INTERVAL, max: MAX_PING_INTERVAL });
  expect(DOCTOR_OPTIONS.idle).toMatchObject({ max: MAX_IDLE });
});
