import {
  chmodSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { parseDestinationRule } from 'wsproxy-node/targets';
import { temporaryFolder } from 'wsproxy-test-support/temporary-folder';
import { AuthorityFolder } from '../../../src/inspect/ca/authority-folder.js';

const rules = (...texts: readonly string[]) => texts.map(parseDestinationRule);

const newFolder = (): string => join(temporaryFolder(), 'state', 'inspect');

const mode = (path: string): string => (statSync(path).mode & 0o777).toString(8);

describe('the folder of an authority', () => {
  test('gets one when it is first opened, which others cannot read, and keeps it', () => {
    const path = newFolder();
    const folder = new AuthorityFolder(path);
    expect(folder.find()).toBeUndefined();
    const { certificate } = folder.open(rules('*.example.org'));
    expect(readdirSync(path).sort()).toEqual(['ca-key.pem', 'ca.pem']);
    expect([mode(path), mode(join(path, 'ca-key.pem'))]).toEqual(['700', '600']);
    expect(readFileSync(folder.certificatePath, 'utf8')).toBe(certificate);
    expect(new AuthorityFolder(path).open(rules('www.example.org:443')).certificate).toBe(certificate);
    expect(folder.find()?.certificate).toBe(certificate);
  });

  test('is closed to others though it was there, and open to them', () => {
    const path = newFolder();
    mkdirSync(path, { recursive: true });
    chmodSync(path, 0o755);
    new AuthorityFolder(path).open(rules('a.org'));
    expect(mode(path)).toBe('700');
  });

  test('is empty once it is removed, though a process was killed while it made one', () => {
    const path = newFolder();
    const folder = new AuthorityFolder(path);
    folder.open(rules('a.org'));
    copyFileSync(join(path, 'ca-key.pem'), join(path, 'ca-key.pem.0a1b2c3d'));
    expect(folder.remove()).toBe(true);
    expect(readdirSync(path)).toEqual([]);
    expect(folder.remove()).toBe(false);
  });

  test('writes the certificate again when it is lost', () => {
    const folder = new AuthorityFolder(newFolder());
    const { certificate } = folder.open(rules('a.org'));
    rmSync(folder.certificatePath);
    folder.find();
    expect(readFileSync(folder.certificatePath, 'utf8')).toBe(certificate);
  });

  test('refuses rules that its authority may not sign for, and says what to do', () => {
    const path = newFolder();
    const folder = new AuthorityFolder(path);
    folder.open(rules('a.org'));
    expect(() => folder.open(rules('a.org', 'b.org'))).toThrow(
      `the CA in ${path} is for a.org alone, and the rules name a.org, b.org: run wsproxy-client ca remove, start again, and trust the new one`,
    );
  });

  test('refuses one that has expired', () => {
    const path = newFolder();
    new AuthorityFolder(path).open(rules('a.org'));
    const nextYear = () => new Date(Date.now() + 366 * 86_400_000);
    expect(() => new AuthorityFolder(path, nextYear).open(rules('a.org'))).toThrow(/has expired \(.*\): run /);
  });

  test('refuses a key that others can read', () => {
    const path = newFolder();
    new AuthorityFolder(path).open(rules('a.org'));
    chmodSync(join(path, 'ca-key.pem'), 0o640);
    expect(() => new AuthorityFolder(path).find()).toThrow(/can be read by others: run /);
  });

  test.each([
    ['empty', () => ''],
    ['half of it', (text: string) => text.slice(0, text.length / 2)],
    ['said to be for more', (text: string) => text.replace('a.org', 'a.org b.org')],
    ['said to be for nothing', (text: string) => text.replace(/for: .*/, 'for: *')],
  ])('refuses a file that is %s, and does not touch it', (_what, change) => {
    const path = newFolder();
    new AuthorityFolder(path).open(rules('a.org'));
    const file = join(path, 'ca-key.pem');
    const text = change(readFileSync(file, 'utf8'));
    writeFileSync(file, text);
    expect(() => new AuthorityFolder(path).open(rules('a.org'))).toThrow(/is damaged: run /);
    expect(readFileSync(file, 'utf8')).toBe(text);
  });

  test('keeps nothing that was removed', () => {
    const path = newFolder();
    const folder = new AuthorityFolder(path);
    const { certificate } = folder.open(rules('a.org'));
    expect(folder.remove()).toBe(true);
    expect(readdirSync(path)).toEqual([]);
    expect(existsSync(folder.certificatePath)).toBe(false);
    expect(folder.remove()).toBe(false);
    expect(folder.open(rules('b.org')).certificate).not.toBe(certificate);
  });
});
