import { Command } from 'commander';
import { describe, expect, test } from 'vitest';
import { LONGEST_TIME, OptionError, type OptionTable } from 'wsproxy-node/options';
import { addOptions } from '../../src/options/add-options.js';
import { asUsage, libraryOptions } from '../../src/options/library-options.js';

const TABLE: OptionTable = {
  url: { flags: '[url...]', unit: 'URL', text: 'where' },
  grace: {
    flags: '--grace <duration>',
    unit: 'ms',
    default: 120_000,
    min: 0,
    max: LONGEST_TIME,
    text: 'how long, {range}',
  },
  'limits.channels': { flags: '--max-channels <number>', unit: 'count', default: 8, min: 1, max: 16, text: 'so many' },
  'limits.idle': {
    flags: '--idle <duration>',
    unit: 'ms',
    default: 0,
    min: 100,
    max: 86_400_000,
    zero: 'off',
    text: 'idle',
  },
  'limits.rate': { flags: '--rate <size>', unit: 'rate', min: 1_024, max: 2 ** 40, text: 'fast' },
  allow: { flags: '--allow <rule>', unit: 'rule', list: true, text: 'open' },
  headers: { flags: '-H, --header <text>', unit: 'header', list: 'flag', text: 'more' },
  token: { flags: '--token-file <file>', unit: 'token', env: 'TOKEN', text: 'secret' },
  prefer: { flags: '--prefer <family>', unit: 'choice', choices: ['ipv4', 'ipv6'], otherwise: 'either', text: 'first' },
  loud: { flags: '--loud', unit: 'switch', default: false, text: 'or not' },
  log: { flags: '--no-log', unit: 'switch', default: true, text: 'no log' },
  listen: { flags: '--listen <address>', unit: 'address', library: 'listen()', default: '8080', text: 'where' },
  logger: { unit: 'logger', text: 'of the library alone' },
};

function program(...args: string[]): Command {
  const command = new Command('example').exitOverride().configureOutput({ writeErr() {}, writeOut() {} });
  addOptions(command, TABLE, { address: (text) => ({ port: Number(text) }) });
  return command.parse(args, { from: 'user' });
}

describe('flags from a table', () => {
  test('have its defaults', () => {
    expect(program().opts()).toEqual({ grace: 120_000, maxChannels: 8, idle: 0, log: true, listen: { port: 8080 } });
  });

  test('are read in their units, once or several times', () => {
    const args = [
      '--grace',
      '1h',
      '--rate',
      '2M',
      '--idle',
      'off',
      '--allow',
      'a',
      '--allow',
      'b',
      '-H',
      'c',
      '--no-log',
    ];
    expect(program(...args, '--listen', '1', 'wss://a/', 'wss://b/').opts()).toMatchObject({
      grace: 3_600_000,
      rate: 2_097_152,
      idle: 0,
      allow: ['a', 'b'],
      header: ['c'],
      log: false,
      listen: { port: 1 },
    });
  });

  test.each([
    ['--grace', '597h', 'Expected 0ms to 596h.'],
    ['--grace', '10', 'Expected a number and a unit'],
    ['--max-channels', '17', 'Expected 1 to 16.'],
    ['--max-channels', '1e1', 'Expected a whole number.'],
    ['--idle', '10ms', 'Expected 100ms to 24h, or "off".'],
    ['--rate', '1', 'Expected 1k to 1T.'],
    ['--prefer', 'ipv5', 'Allowed choices are ipv4, ipv6.'],
  ])('%s %s is refused', (flag, value, why) => {
    expect(() => program(flag, value)).toThrow(why);
  });

  test('take the longest time that a timer can wait for', () => {
    expect(program('--grace', '596h').opts()).toMatchObject({ grace: 596 * 3_600_000 });
    expect(program('--grace', `${LONGEST_TIME}ms`).opts()).toMatchObject({ grace: LONGEST_TIME });
  });

  test('tell in the help what the table says of them', () => {
    const help = program().configureHelp({ helpWidth: 200 }).helpInformation().replaceAll(/ {2,}/g, ' ');
    for (const line of [
      '--grace <duration> how long, 0ms to 596h (default: 2m)',
      '--idle <duration> idle (default: off)',
      '--allow <rule> open; repeatable',
      '--token-file <file> secret; TOKEN is the other way',
      '--prefer <family> first (default: either) (choices: "ipv4", "ipv6")',
      '--loud or not\n',
      '--no-log no log\n',
      '--listen <address> where (default: 8080)',
    ]) {
      expect(help).toContain(line);
    }
  });
});

test('the library gets what its options say, in its groups, and nothing that a file holds or another form has', () => {
  const args = ['--idle', '1s', '--allow', 'a', '-H', 'x', '--token-file', 'token', '--loud'];
  expect(libraryOptions(program(...args))).toEqual({
    grace: 120_000,
    limits: { channels: 8, idle: 1_000 },
    allow: ['a'],
    loud: true,
    log: true,
  });
});

describe('what the library refuses', () => {
  const refuse = (option: string) =>
    asUsage(program(), () => {
      throw new OptionError(option, 'is wrong');
    });

  test.each([
    ['allow', '--allow: is wrong'],
    ['limits.channels', '--max-channels: is wrong'],
    ['token', '--token-file: is wrong'],
    ['url', 'url: is wrong'],
    ['logger', 'logger: is wrong'],
  ])('%s is wrong usage, told by its flag', (option, message) => {
    expect(() => refuse(option)).toThrow(expect.objectContaining({ name: 'ExitError', exitCode: 2, message }));
  });

  test('for another reason is thrown on', () => {
    const defect = new TypeError('boom');
    const fail = () => {
      throw defect;
    };
    expect(() => asUsage(program(), fail)).toThrow(defect);
  });
});
