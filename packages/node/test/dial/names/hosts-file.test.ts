import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
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
  const write = (text: string) => {
    rmSync(path, { force: true });
    writeFileSync(path, text);
  };
  return { addressesOf: createHostsFile(path, clock), write, clock };
}

test('gives every address of a name, no matter what its spelling, and nothing of comments', () => {
  const { addressesOf, write } = hostsFile();
  write(
    '127.0.0.1 localhost\n::1\tLocalHost ip6-localhost # loopback\n#10.0.0.1 commented\n10.0.0.2 one two\nbad three\n',
  );
  expect(addressesOf('localhost')).toEqual(['127.0.0.1', '::1']);
  expect(addressesOf('ip6-localhost')).toEqual(['::1']);
  expect(addressesOf('two')).toEqual(['10.0.0.2']);
  for (const name of ['commented', '#', 'loopback', 'three', 'toString']) expect(addressesOf(name)).toEqual([]);
});

test('is followed', () => {
  const { addressesOf, write, clock } = hostsFile();
  expect(addressesOf('name')).toEqual([]);
  for (const address of ['10.0.0.1', '10.0.0.2']) {
    write(`${address} name`);
    clock.advance(1_000);
    expect(addressesOf('name')).toEqual([address]);
  }
});
