import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { optionsPage } from '../../scripts/options.js';

const read = (path: string) => readFileSync(new URL(`../../${path}`, import.meta.url), 'utf8');

test('docs/options.md is as `node scripts/options.js --write` makes it', () => {
  expect(read('docs/options.md')).toBe(optionsPage());
});
