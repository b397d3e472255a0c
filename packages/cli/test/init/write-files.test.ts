import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { describeFiles, isInTheWay, type PlannedFile, writeFiles } from '../../src/init/write-files.js';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'wsproxy-files-'));
});
afterEach(() => rmSync(folder, { recursive: true }));

const planned = (name: string, text: string, more: Partial<PlannedFile> = {}): PlannedFile => ({
  ...{ path: join(folder, name), text, what: 'a file', mode: 0o644 },
  ...more,
});
const read = (name: string): string => readFileSync(join(folder, name), 'utf8');
const modeOf = (name: string): number => statSync(join(folder, name)).mode & 0o777;

describe('files', () => {
  test('are written with their modes, in folders with theirs, and nothing stays beside them', () => {
    writeFiles([planned('new/secret', 'a', { mode: 0o600, folderMode: 0o700 }), planned('new/open', 'b')], false);
    expect([read('new/secret'), read('new/open')]).toEqual(['a', 'b']);
    expect([modeOf('new'), modeOf('new/secret'), modeOf('new/open')]).toEqual([0o700, 0o600, 0o644]);
    expect(readdirSync(join(folder, 'new')).sort()).toEqual(['open', 'secret']);
  });

  test('with the same text stay untouched', () => {
    writeFileSync(join(folder, 'one'), 'a', { mode: 0o640 });
    const { ino } = statSync(join(folder, 'one'));
    writeFiles([planned('one', 'a'), planned('two', 'b')], false);
    expect([statSync(join(folder, 'one')).ino, modeOf('one')]).toEqual([ino, 0o640]);
    expect(read('two')).toBe('b');
  });

  test('in the way are named, and then none is written', () => {
    writeFileSync(join(folder, 'two'), 'of the user');
    const files = [planned('one', 'a'), planned('two', 'b')];
    expect(files.map(isInTheWay)).toEqual([false, true]);
    expect(() => writeFiles(files, false)).toThrow(
      `${join(folder, 'two')} is there, and says something else; nothing was written; --force replaces it, and keeps it as ${join(folder, 'two.old')}`,
    );
    expect(readdirSync(folder)).toEqual(['two']);
    expect(read('two')).toBe('of the user');
  });

  test('in the way are kept under another name where the user wants that', () => {
    writeFileSync(join(folder, 'two'), 'of the user', { mode: 0o600 });
    writeFiles([planned('two', 'b')], true);
    expect([read('two'), read('two.old'), modeOf('two.old')]).toEqual(['b', 'of the user', 0o600]);
  });

  test('that were kept before are not replaced', () => {
    writeFileSync(join(folder, 'two'), 'of the user');
    writeFiles([planned('two', 'b')], true);
    writeFiles([planned('two', 'c')], true);
    writeFiles([planned('two', 'd')], true);
    expect(['two', 'two.old', 'two.old.2', 'two.old.3'].map(read)).toEqual(['d', 'of the user', 'b', 'c']);
  });

  test('have no place where a folder or a pipe is', () => {
    mkdirSync(join(folder, 'one'));
    const message = `${join(folder, 'one')} is there, and is not a file; nothing was written`;
    for (const isForced of [false, true]) {
      expect(() => writeFiles([planned('zero', 'a'), planned('one', 'a')], isForced)).toThrow(message);
    }
    expect(readdirSync(folder)).toEqual(['one']);
    expect(() => writeFiles([planned('null', 'a', { path: '/dev/null' })], true)).toThrow(/is not a file/);
  });

  test('that may be replaced are, and are kept as well', () => {
    writeFileSync(join(folder, 'two'), 'of the package');
    const file = planned('two', 'b', { replaces: (former) => former === 'of the package' });
    expect(isInTheWay(file)).toBe(false);
    writeFiles([file], false);
    expect([read('two'), read('two.old')]).toEqual(['b', 'of the package']);
  });

  test('are as before when one cannot be written', () => {
    writeFileSync(join(folder, 'two'), 'of the user');
    mkdirSync(join(folder, 'three.new/full'), { recursive: true });
    const files = [planned('deep/one', 'a'), planned('two', 'b'), planned('three', 'c')];
    expect(() => writeFiles(files, true)).toThrow(/^cannot write .*three\.new.*; nothing was written$/);
    expect(readdirSync(folder).sort()).toEqual(['three.new', 'two']);
    expect(read('two')).toBe('of the user');
  });

  test.each([
    ['where no folder can be made', '/proc/nope/deep/one'],
    ['below a file', '/etc/hostname/deep/one'],
  ])('are told as such %s', (_where, path) => {
    expect(() => writeFiles([planned('deep/two', 'a'), planned('', 'b', { path })], false)).toThrow(
      /^cannot write \/\w+\/\w+(?:\/deep)?: (?:nothing can be made there|no permission); nothing was written$/,
    );
    expect(readdirSync(folder)).toEqual([]);
  });

  test('are as before when one that was written cannot take its place', () => {
    writeFileSync(join(folder, 'one'), 'of the user');
    // A name may have 255 bytes: there is room for `.new` and `.old`, and none for `.old.2`.
    const long = 'n'.repeat(250);
    writeFileSync(join(folder, long), 'of the user');
    writeFileSync(join(folder, `${long}.old`), 'kept');
    expect(() => writeFiles([planned('one', 'a'), planned(long, 'b')], true)).toThrow(/nothing was written$/);
    expect(readdirSync(folder).sort()).toEqual([long, `${long}.old`, 'one']);
    expect(['one', long, `${long}.old`].map(read)).toEqual(['of the user', 'of the user', 'kept']);
  });

  test('are told one a line, with what becomes of each', () => {
    writeFileSync(join(folder, 'same'), 'a');
    writeFileSync(join(folder, 'other'), 'of the user');
    writeFileSync(join(folder, 'more'), 'a');
    const files = [
      planned('new', 'a'),
      planned('same', 'a'),
      planned('other', 'b'),
      planned('more', 'ab', { replaces: () => true }),
    ];
    expect(describeFiles(files).replaceAll(folder, '')).toBe(
      [
        '  /new    a file\n',
        '  /same   a file (stays as it is)\n',
        '  /other  a file (in the way: it says something else)\n',
        '  /more   a file (changes)\n',
      ].join(''),
    );
  });
});
