import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Command } from 'commander';
import { afterAll, describe, expect, it } from 'vitest';
import type { OptionTable } from 'wsproxy-node/options';
import { addConfigFile, type ConfigFile } from '../../src/config/config-file.js';
import { ExitError } from '../../src/exit-code.js';
import { addOptions } from '../../src/options/add-options.js';

const OPTIONS: OptionTable = {
  url: { flags: '[url...]', unit: 'word', text: 'servers' },
  tag: { flags: '--tag <text>', unit: 'word', list: true, text: 'any number of them' },
  retries: { flags: '--retries <number>', unit: 'count', min: 0, max: 9, default: 3, text: 'how often' },
  quiet: { flags: '--quiet', unit: 'switch', default: false, conflicts: ['tag'], text: 'not beside --tag' },
};

const folder = mkdtempSync(join(tmpdir(), 'wsproxy-changes-'));
afterAll(() => rmSync(folder, { recursive: true }));
let files = 0;

/** A program that has begun with a file that holds `text`, or with the default one that is not there. */
async function begin(text: string | undefined, ...args: string[]) {
  const path = join(folder, `${++files}.yaml`);
  const program = addOptions(new Command('example'), OPTIONS).action(() => {});
  const file: ConfigFile = addConfigFile(program, { name: 'example', env: { HOME: join(folder, String(files)) } });
  if (text !== undefined) writeFileSync(path, text);
  await program.parseAsync([...args, ...(text === undefined ? [] : ['--config', path])], { from: 'user' });
  const reread = (now: string) => {
    writeFileSync(path, now);
    return file.reread();
  };
  return { file, path, reread };
}

describe('a configuration file that is read again', () => {
  it('tells what is new, other and gone, and nothing else', async () => {
    const { reread } = await begin('url: one\ntag: [a, b]\nretries: 5\n');
    expect(await reread('# a comment\nretries: 5\ntag: [a, b]\nurl: one\n')).toEqual([]);
    expect(await reread('url: one\ntag: [b, a]\nquiet: false\n')).toEqual([
      { name: 'tag', key: 'tag', value: ['b', 'a'] },
      { name: 'retries', key: 'retries', value: undefined },
      { name: 'quiet', key: 'quiet', value: false },
    ]);
  });

  it('compares with the beginning, however often it is read', async () => {
    const { reread } = await begin('tag: a\n');
    expect(await reread('tag: b\n')).toHaveLength(1);
    expect(await reread('tag: b\n')).toHaveLength(1);
    expect(await reread('tag: a\n')).toEqual([]);
  });

  it('does not tell what the command line wins over', async () => {
    const { reread } = await begin('url: one\ntag: a\n', 'two', '--tag', 'x');
    expect(await reread('url: three\ntag: b\n')).toEqual([]);
    const other = await begin('retries: 1\n', '--quiet');
    expect(await other.reread('retries: 1\ntag: a\n')).toEqual([]);
  });

  it('rejects with the first mistake, and goes on from what was there', async () => {
    const { path, reread } = await begin('tag: a\n');
    const told = reread('tag: b\nretries: 99\nspeed: 1\n');
    await expect(told).rejects.toThrow(ExitError);
    await expect(told).rejects.toThrow(`${path}:2: retries: expected 0 to 9; 1 more: see example config check`);
    expect(await reread('tag: b\n')).toEqual([{ name: 'tag', key: 'tag', value: ['b'] }]);
  });

  it('that is away, as while an editor writes it, is a mistake', async () => {
    const { file, path, reread } = await begin('tag: a\n');
    rmSync(path);
    await expect(file.reread()).rejects.toThrow(`cannot read the configuration file ${path}: there is no such file`);
    expect(await reread('tag: a\n')).toEqual([]);
  });

  it('that never was there tells nothing', async () => {
    const { file } = await begin(undefined);
    expect(await file.reread()).toBeUndefined();
  });
});
