import { readFileSync } from 'node:fs';
import { Command } from 'commander';
import { describe, expect, test } from 'vitest';
import { addOptions, libraryOptions } from 'wsproxy-cli';
import { OptionError } from 'wsproxy-node/options';
import { LIMITS, type LimitName, resolveLimits } from '../../src/limits/limits.js';
import { OPTIONS } from '../../src/options/options.js';
import { createServer } from '../../src/server.js';

const names = Object.keys(LIMITS) as LimitName[];
const DEFAULTS = Object.fromEntries(names.map((name) => [name, LIMITS[name].default]));
const LIMIT_OPTIONS = Object.fromEntries(Object.entries(OPTIONS).filter(([key]) => key.startsWith('limits.')));

/** A command with the flags, which throws instead of ending the process. */
function command(): Command {
  const program = new Command().exitOverride().configureOutput({ writeErr() {} });
  addOptions(program, LIMIT_OPTIONS);
  return program;
}

const parse = (...args: string[]) => libraryOptions(command().parse(args, { from: 'user' }))['limits'];

describe('limits', () => {
  test('have defaults that are in their own range', () => {
    expect(resolveLimits()).toEqual({ ...DEFAULTS, sessionsPerUser: 8 });
  });

  test('let a user have more sessions where pages come in, unless told otherwise', () => {
    expect(resolveLimits({}, true).sessionsPerUser).toBe(32);
    expect(resolveLimits({ sessionsPerUser: 8 }, true).sessionsPerUser).toBe(8);
  });

  test.each(names)('%s takes both ends of its range, and nothing beyond', (name) => {
    const { min, max } = LIMITS[name];
    expect(resolveLimits({ [name]: min })[name]).toBe(min);
    expect(resolveLimits({ [name]: max })[name]).toBe(max);
    for (const wrong of [min - 1, max + 1, min + 0.5, -1, Number.NaN]) {
      const isOff = wrong === 0 && LIMITS[name].zero !== undefined;
      if (!isOff) expect(() => resolveLimits({ [name]: wrong })).toThrow(OptionError);
    }
  });

  test('are judged when a server is made, in one line that says what is expected', () => {
    expect(() => createServer({ token: 'x'.repeat(32), limits: { idleTimeout: -5 } })).toThrow(
      'limits.idleTimeout: expected a whole number from 100 to 86400000 ms, or 0 (off), got -5',
    );
  });
});

describe('the flags of the limits', () => {
  test('give the defaults, one for each limit', () => {
    expect(parse()).toEqual(DEFAULTS);
  });

  test('are read in their units', () => {
    const given = ['--max-sessions', '5', '--idle-timeout', '90s', '--limit-rate-up', '2M', '--max-memory', '1G'];
    expect(parse(...given)).toMatchObject({
      sessions: 5,
      idleTimeout: 90_000,
      rateUp: 2_097_152,
      memory: 1_073_741_824,
    });
  });

  test('take the word that the help shows for "none"', () => {
    expect(parse('--half-closed-timeout', 'off', '--limit-rate-down', 'none', '--max-sockets', 'auto')).toMatchObject({
      halfClosedTimeout: 0,
      rateDown: 0,
      sockets: 0,
    });
  });

  test.each([
    ['--max-sessions', '0', 'Expected 1 to 10000000.'],
    ['--max-sessions', 'off', 'Expected a whole number.'],
    ['--idle-timeout', '10ms', 'Expected 100ms to 24h, or "off".'],
    ['--limit-rate-up', '1', 'Expected 1k to 1T, or "none".'],
  ])('%s %s is refused', (flag, value, why) => {
    expect(() => parse(flag, value)).toThrow(why);
  });

  test('stand in docs/limits.md with their defaults, one row for each, and no others', () => {
    const text = readFileSync(new URL('../../../../docs/limits.md', import.meta.url), 'utf8');
    const rows = [...text.matchAll(/^\| `(--[\w-]+)` \| ([^|]+) \| `(\w+)` \|/gm)].map((row) => row.slice(1, 4));
    const flags = command().options.map((option, i) => [option.long, option.defaultValueDescription, names[i]]);
    expect(rows.sort()).toEqual(flags.sort());
  });
});
