import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { optionsPages } from '../../scripts/options.js';

const read = (path: string) => readFileSync(new URL(`../../${path}`, import.meta.url), 'utf8');
const pages = optionsPages();

test.each(['docs/options.md', 'docs/zh/options.md'])('%s is as `node scripts/options.js --write` makes it', (path) => {
  expect(read(path)).toBe(pages[path]);
});

test('the page in Chinese has no English but names, values and commands', () => {
  const cells = (pages['docs/zh/options.md'] ?? '')
    .split('\n')
    .flatMap((line) => (line.startsWith('|') ? line.split(' | ').slice(3) : []));
  const words = cells.map((cell) => cell.replaceAll(/`[^`]*`/g, ''));
  expect(words.length).toBeGreaterThan(300);
  // Three words of English in a row are a text; a command and a list of hosts are shorter.
  expect(
    words.filter((text) => /(?:\b[a-z]{2,} ){2}[a-z]{2,}\b/.test(text.replaceAll('wsproxy-server users put', ''))),
  ).toEqual([]);
});
