import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { lockFile } from '../../../src/inspect/seen/lock-file.js';

let folder: string;
let path: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'lock-'));
  path = join(folder, 'seen.har');
});

afterEach(() => rmSync(folder, { recursive: true }));

test('a file is kept from others in this process and in living ones until it is given back', () => {
  const unlock = lockFile(path);
  expect(() => lockFile(path)).toThrow(`process ${process.pid} writes to ${path}`);
  unlock();
  expect(existsSync(`${path}.lock`)).toBe(false);
  writeFileSync(`${path}.lock`, `${process.ppid}\n`);
  expect(() => lockFile(path)).toThrow(
    `process ${process.ppid} writes to ${path}; if that is no wsproxy-client, delete ${path}.lock`,
  );
});

test.each(['a number of this process', 'a number that nobody has', 'nothing'])(
  'a lock with %s was left behind',
  (what) => {
    const left = { 'a number of this process': process.pid, 'a number that nobody has': 2 ** 30 }[what] ?? '';
    writeFileSync(`${path}.lock`, String(left));
    lockFile(path)();
    expect(existsSync(`${path}.lock`)).toBe(false);
  },
);

test('a folder that is not there is named', () => {
  expect(() => lockFile(join(folder, 'none', 'seen.har'))).toThrow(`there is no folder ${join(folder, 'none')}`);
});
