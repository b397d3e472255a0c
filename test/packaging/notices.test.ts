import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { temporaryFolder } from 'wsproxy-test-support/temporary-folder';
import { notices } from '../../scripts/packages/notices.js';

/** A package as npm has unpacked it. */
function packageWith(name: string, files: Readonly<Record<string, string>>): string {
  const folder = join(temporaryFolder(), name);
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, 'package.json'), JSON.stringify({ name, version: '1.2.3', license: 'MIT' }));
  for (const [file, text] of Object.entries(files)) writeFileSync(join(folder, file), text);
  return folder;
}

test('the notices hold each licence of a package, and that of Node', () => {
  const text = notices('of Node', [
    packageWith('one', { 'LICENSE.md': 'of one', NOTICE: 'more of one', 'a.js': 'code' }),
  ]);
  expect(text.split(/\n+/)).toEqual([
    'one 1.2.3 (MIT)',
    'of one',
    'more of one',
    '-'.repeat(80),
    'Node.js',
    'of Node',
    '',
  ]);
});

test.each([{}, { LICENSE: ' \n' }])(
  'a package without a text of its licence cannot be in an executable: %j',
  (files) => {
    expect(() => notices('of Node', [packageWith('@some/one', files)])).toThrow(
      /^@some\/one has no text of its licence: put that of its repository into .*@some\+one\.txt$/,
    );
  },
);

test('a licence that is not in the package of npm comes from its repository', () => {
  expect(notices('of Node', [packageWith('@redis/client', {})])).toContain('Copyright (c) 2022-2025, Redis, inc.');
});
