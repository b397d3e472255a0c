import { resolve } from 'node:path';
import { Command } from 'commander';
import { describe, expect, test } from 'vitest';
import { parseDocument } from 'yaml';
import { givenSettings, settingLine, withSettings } from '../../src/init/given-settings.js';
import { addOptions } from '../../src/options/add-options.js';

const program = addOptions(new Command('program'), {
  listen: { flags: '-D, --listen <[bind:]port>', unit: 'text', list: true, text: 'where' },
  grace: { flags: '--grace <duration>', unit: 'ms', default: 1_000, min: 0, max: 60_000, text: 'how long' },
  ca: { flags: '--ca <file>', unit: 'PEM', text: 'whom to trust' },
  quiet: { flags: '--quiet', unit: 'switch', default: false, text: 'say nothing' },
  udp: { flags: '--no-udp', unit: 'switch', default: true, text: 'no datagrams' },
});

describe('flags beside init', () => {
  test('are settings as they were written, no matter what stands around them', () => {
    const words = 'init -D 1080 --listen=[::1]:1081 --force --grace 30s --quiet --no-udp --host-name x'.split(' ');
    expect([...givenSettings(program, words)]).toEqual([
      ['listen', ['1080', '[::1]:1081']],
      ['grace', ['30s']],
      ['quiet', ['true']],
      ['udp', ['false']],
    ]);
  });

  test('name files from anywhere', () => {
    expect(givenSettings(program, ['--ca', 'root.pem']).get('ca')).toEqual([resolve('root.pem')]);
    expect(givenSettings(program, ['--ca', '/etc/root.pem']).get('ca')).toEqual(['/etc/root.pem']);
  });

  test('are none where there are none', () => {
    expect(givenSettings(program, ['init', '--force']).size).toBe(0);
  });
});

describe('a line of a configuration file', () => {
  test.each([
    [['1080'], 'listen: 1080\n'],
    [['true'], 'listen: true\n'],
    [['127.0.0.1:1080', 'a b'], 'listen: [127.0.0.1:1080, "a b"]\n'],
    [['null'], 'listen: "null"\n'],
    [['*.example.org'], 'listen: "*.example.org"\n'],
    [['[::1]:1080'], 'listen: "[::1]:1080"\n'],
  ])('for %j is %s', (values, line) => {
    expect(settingLine('listen', values)).toBe(line);
  });

  test.each(['a # b', ': x', 'a: b', '- x', '"', "it's", '{', 'C:\\x', '%', '@x', '`', '!x', '&x', '>'])(
    'keeps %s as it is',
    (value) => {
      expect(parseDocument(settingLine('name', [value])).toJS()).toEqual({ name: value });
      expect(parseDocument(settingLine('name', [value, 'x'])).toJS()).toEqual({ name: [value, 'x'] });
    },
  );
});

describe('the text of a configuration file', () => {
  const text = '# Settings.\nlisten: 1080\n# Whom to trust.\n# Nobody else.\nca: a\ngrace: 1s\n';

  test('gets a new value in the same line, and a new setting at its end', () => {
    expect(withSettings(text, new Map([['ca', ['$&']]])).split('\n')[4]).toBe('ca: "$&"');
    expect(withSettings(text, new Map([['quiet', ['true']]]))).toBe(`${text}quiet: true\n`);
  });

  test('loses a setting with the comment before it', () => {
    expect(withSettings(text, new Map([['ca', undefined]]))).toBe('# Settings.\nlisten: 1080\ngrace: 1s\n');
    expect(withSettings(text, new Map([['nothing', undefined]]))).toBe(text);
  });
});
