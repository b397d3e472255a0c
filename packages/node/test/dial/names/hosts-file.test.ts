import { mkdtempSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { FakeClock } from 'wsproxy-engine/testing';
import { createHostsFile } from '../../../src/dial/names/hosts-file.js';

function hostsFile() {
  const folder = mkdtempSync(join(tmpdir(), 'hosts-'));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  const clock = new FakeClock();
  const path = join(folder, 'hosts');
  let modified = 0;
  const write = (text: string) => {
    writeFileSync(path, text);
    modified += 1;
    utimesSync(path, modified, modified);
  };
  return { addressesOf: createHostsFile(path, clock), write, clock, path };
}

test('gives every address of a name, whatever its spelling, and nothing of comments', () => {
  const { addressesOf, write } = hostsFile();
  write(
    '127.0.0.1 localhost\n::1\tLocalHost ip6-localhost # loopback\n#10.0.0.1 commented\n10.0.0.2 one two\nbad three\n',
  );
  expect(addressesOf('localhost')).toEqual(['127.0.0.1', '::1']);
  expect(addressesOf('ip6-localhost')).toEqual(['::1']);
  expect(addressesOf('two')).toEqual(['10.0.0.2']);
  for (const name of ['commented', '#', 'loopback', 'three', 'toString']) expect(addressesOf(name)).toEqual([]);
});

test('is read again after it has changed, 5 s later at the latest', () => {
  const { addressesOf, write, clock } = hostsFile();
  write('10.0.0.1 name');
  expect(addressesOf('name')).toEqual(['10.0.0.1']);
  write('10.0.0.2 name');
  clock.advance(4_999);
  expect(addressesOf('name')).toEqual(['10.0.0.1']);
  clock.advance(1);
  expect(addressesOf('name')).toEqual(['10.0.0.2']);
});

test('may be missing, come and go', () => {
  const { addressesOf, write, clock, path } = hostsFile();
  expect(addressesOf('name')).toEqual([]);
  write('10.0.0.1 name');
  clock.advance(5_000);
  expect(addressesOf('name')).toEqual(['10.0.0.1']);
  rmSync(path);
  clock.advance(5_000);
  expect(addressesOf('name')).toEqual([]);
});
