import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { optionsPage, withHelp } from '../../scripts/options.js';

const read = (path: string) => readFileSync(new URL(`../../${path}`, import.meta.url), 'utf8');

test('docs/options.md is as `node scripts/options.js --write` makes it', () => {
  expect(read('docs/options.md')).toBe(optionsPage());
});

test('README.md has the help that both programs print', () => {
  const readme = read('README.md');
  expect(readme).toBe(withHelp(readme));
});
