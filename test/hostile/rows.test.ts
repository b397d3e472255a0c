import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { ROWS } from './rows.js';

const text = (file: string) => readFileSync(fileURLToPath(new URL(`../../${file}`, import.meta.url)), 'utf8');

test.each(Object.entries(ROWS))('%s is tested where the table says, or has a reason not to be', (id, row) => {
  expect(row.what).not.toBe('');
  if ('why' in row) expect(row.why).not.toBe('');
  else if (row.title !== undefined) expect(text(row.file)).toContain(row.title);
  else expect(text(row.file)).toMatch(new RegExp(`\\b${id}\\b`));
});
