import { mkdirSync, mkdtempSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { FakeClock } from 'wsproxy-engine/testing';
import { followFile } from '../../../src/dial/names/followed-file.js';

function followed() {
  const folder = mkdtempSync(join(tmpdir(), 'followed-'));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  const clock = new FakeClock();
  const path = join(folder, 'file');
  const parsed: string[] = [];
  const read = followFile(
    path,
    (text) => {
      parsed.push(text);
      return text;
    },
    clock,
  );
  return { folder, path, clock, read, parsed };
}

test('a file is read again once it has changed, a second later at the latest', () => {
  const { path, clock, read } = followed();
  writeFileSync(path, 'one');
  expect(read()).toBe('one');
  writeFileSync(path, 'another');
  clock.advance(999);
  expect(read()).toBe('one');
  clock.advance(1);
  expect(read()).toBe('another');
});

test('a file that has not changed is parsed once, and no timer runs', () => {
  const { path, clock, read, parsed } = followed();
  writeFileSync(path, 'text');
  for (let i = 0; i < 3; i++) {
    read();
    clock.advance(1_000);
  }
  expect(parsed).toEqual(['', 'text']);
  expect(clock.pending).toBe(0);
});

test('a file may be replaced, be a link that leads elsewhere, and be away', () => {
  const { folder, path, clock, read } = followed();
  const look = () => {
    clock.advance(1_000);
    return read();
  };
  expect(look()).toBe('');
  writeFileSync(path, 'first');
  expect(look()).toBe('first');
  writeFileSync(join(folder, 'new'), 'other');
  renameSync(join(folder, 'new'), path);
  expect(look()).toBe('other');
  writeFileSync(join(folder, 'third'), 'third');
  rmSync(path);
  symlinkSync(join(folder, 'third'), path);
  expect(look()).toBe('third');
  rmSync(join(folder, 'third'));
  expect(look()).toBe('');
});

test('a byte order mark is none of its text', () => {
  const { path, read } = followed();
  writeFileSync(path, '\ufefftext');
  expect(read()).toBe('text');
});

test('what cannot be read is empty', () => {
  const { path, read } = followed();
  mkdirSync(path);
  expect(read()).toBe('');
});
