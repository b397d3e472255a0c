import { expect, test } from 'vitest';
import { FloodLog } from '../../src/gateway/flood-log.js';

test('a flood of lines is cut short, and the next line says by how many', () => {
  let now = 0;
  const lines: object[] = [];
  const log = new FloodLog((fields, message) => lines.push({ ...fields, message }), { now: () => now });
  for (let i = 0; i < 1_000; i += 1) log.write({ i }, 'refused');
  expect(lines).toHaveLength(100);
  expect(lines.at(-1)).toEqual({ i: 99, message: 'refused' });

  now += 1_000;
  for (let i = 0; i < 3; i += 1) log.write({ i }, 'again');
  expect(lines.slice(100)).toEqual([{ i: 0, unlogged: 900, message: 'again' }]);

  now += 3_600_000;
  for (let i = 0; i < 100; i += 1) log.write({ i }, 'later');
  expect(lines.slice(101, 103)).toEqual([
    { i: 0, unlogged: 2, message: 'later' },
    { i: 1, message: 'later' },
  ]);
  expect(lines).toHaveLength(201);
});
