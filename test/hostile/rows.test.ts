import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import { HOSTILE, mistakesIn, rowsIn, UNTESTED } from './rows.js';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));

/** Every row that the title of a test names, or a scenario of `npm run test:faults`. */
function provedRows(): Set<string> {
  const folders = ['test', ...readdirSync(join(ROOT, 'packages')).map((name) => `packages/${name}/test`)];
  const tests = folders
    .flatMap((folder) =>
      readdirSync(join(ROOT, folder), { recursive: true, encoding: 'utf8' }).map((file) => `${folder}/${file}`),
    )
    .filter((path) => path.endsWith('.ts') && !path.includes('node_modules') && !path.startsWith('test/hostile/rows'));
  return new Set(tests.flatMap((path) => rowsIn(readFileSync(join(ROOT, path), 'utf8'))));
}

const proved = provedRows();

describe('what hostile input does', () => {
  test('is proved row by row, by tests whose titles begin with the name, or there is a reason', () => {
    expect(mistakesIn(proved)).toEqual([]);
  });

  test.each(Object.entries(HOSTILE))('%s: a row without its test is noticed', (letter, { rows }) => {
    for (const row of rows.map((number) => `${letter}${number}`).filter((row) => UNTESTED[row] === undefined)) {
      expect(mistakesIn(new Set([...proved].filter((other) => other !== row)))).toEqual([`${row} has no test`]);
    }
  });

  test('has a list in which nothing is named twice, and which a test cannot leave', () => {
    for (const { rows } of Object.values(HOSTILE)) expect(rows).toEqual([...new Set(rows)].sort((a, b) => a - b));
    expect(mistakesIn(new Set([...proved, 'A99', 'K11']))).toEqual([
      'K11 has a test and a reason for none',
      'A99 is not listed',
    ]);
  });

  test.each([
    ["test('A1 silence is ended', () => {});", ['A1']],
    ['test.each(CASES)("F18 F19 %s", () => {});', ['F18', 'F19']],
    ['it(`E1, E2 no upgrade`)', ['E1', 'E2']],
    ["  ['H2', 'loopback.test'],", ['H2']],
    ["const host = 'B2B.example'; // C3 is another matter", []],
  ])('is named by %s', (source, rows) => {
    expect(rowsIn(source)).toEqual(rows);
  });
});
