import { mkdtempSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { watchFile } from '../src/watch-file.js';

const INTERVAL = 20;
/** What was written before the test began is known. */
const FROM_NOW_ON = { interval: INTERVAL, since: Number.POSITIVE_INFINITY };
let folder: string;
let stop: () => void = () => {};

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'wsproxy-watch-'));
  write('file', 'one');
});

afterEach(() => {
  stop();
  rmSync(folder, { recursive: true });
});

const inFolder = (name: string) => join(folder, name);
const write = (name: string, text: string) => writeFileSync(inFolder(name), text);

/** Watches, and waits until a first change has been seen, so that the next one is news and not the beginning. */
async function watch(...names: string[]) {
  const onChange = vi.fn();
  stop = watchFile(names.map(inFolder), onChange, FROM_NOW_ON);
  let round = 0;
  await vi.waitUntil(() => {
    if (round++ % 10 === 0) write('file', `change ${round}`);
    return onChange.mock.calls.length > 0;
  });
  await quiet();
  onChange.mockClear();
  return onChange;
}

/** Nothing that was written before is still to be told: of another file two changes have been, one behind the other. */
async function quiet() {
  const onLater = vi.fn();
  write('later', '');
  const stopLater = watchFile(inFolder('later'), onLater, FROM_NOW_ON);
  for (const text of ['1', '12']) {
    onLater.mockClear();
    write('later', text);
    await told(onLater);
  }
  stopLater();
}

const told = (onChange: () => void) => vi.waitFor(() => expect(onChange).toHaveBeenCalled());

it('tells of a change that comes before the first look', async () => {
  const onChange = vi.fn();
  stop = watchFile(inFolder('file'), onChange, FROM_NOW_ON);
  write('file', 'changed at once');
  await told(onChange);
});

it('tells of a change since the process began, which anyone who has read the file may have missed', async () => {
  const onChange = vi.fn();
  stop = watchFile(inFolder('file'), onChange, { interval: INTERVAL });
  await told(onChange);
});

it('tells of nothing that changed before', async () => {
  const onChange = vi.fn();
  stop = watchFile(inFolder('file'), onChange, FROM_NOW_ON);
  await quiet();
  expect(onChange).not.toHaveBeenCalled();
});

it('tells of a file that is written to', async () => {
  const onChange = await watch('file');
  write('file', 'two');
  await told(onChange);
});

it('tells of a file that another takes the place of, again and again', async () => {
  const onChange = await watch('file');
  for (const text of ['two', 'three', 'four']) {
    write('new', text);
    renameSync(inFolder('new'), inFolder('file'));
    await told(onChange);
    await quiet();
    onChange.mockClear();
  }
});

it('tells of a symbolic link on the way that is exchanged', async () => {
  symlinkSync('file', inFolder('link'));
  const onChange = await watch('link');
  write('other', 'two');
  symlinkSync('other', inFolder('new-link'));
  renameSync(inFolder('new-link'), inFolder('link'));
  await told(onChange);
});

it('tells of a file that comes back', async () => {
  const onChange = await watch('file');
  rmSync(inFolder('file'));
  await told(onChange);
  onChange.mockClear();
  write('file', 'two');
  await told(onChange);
});

it('tells once of several files that change together', async () => {
  write('second', 'one');
  const onChange = await watch('file', 'second');
  write('file', 'two');
  write('second', 'two');
  await told(onChange);
  await quiet();
  expect(onChange).toHaveBeenCalledTimes(1);
});

it('tells nothing any more once it is ended', async () => {
  const onChange = await watch('file');
  write('file', 'two');
  stop();
  await quiet();
  expect(onChange).not.toHaveBeenCalled();
});
