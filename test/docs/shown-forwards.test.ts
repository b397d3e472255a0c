import { readdirSync, readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { codeBlocks } from 'wsproxy-test-support/documents';
import { problemOfRemote } from '../../packages/client/src/cli/check-targets.js';
import { parseForward } from '../../packages/client/src/cli/forward.js';
import { parseRemoteForward } from '../../packages/client/src/cli/remote-forward.js';
import { problemOfForwarded } from '../../packages/client/src/options/option-checks.js';

const docs = new URL('../../docs/', import.meta.url);
const pages = ['../README.md', ...readdirSync(docs).filter((file) => file.endsWith('.md'))];
const commands = pages.flatMap((page) => codeBlocks(page).flatMap((block) => block.match(/wsproxy-client .*/g) ?? []));
const shown = commands.flatMap((command) => [...command.matchAll(/ -(L|R) (\S+)/g)]);
const shownFor = (letter: string) => shown.flatMap(([, flag, value = '']) => (flag === letter ? [value] : []));

test('each -L that the documents show is one', () => {
  expect(shownFor('L').length).toBeGreaterThan(5);
  for (const text of shownFor('L')) {
    for (const { target } of parseForward(text)) expect(problemOfForwarded(target), text).toBeUndefined();
  }
});

test('so is each -R, and each in the table of docs/reverse.md', () => {
  const [, table = ''] = /## How to say it\n([^]*?)\n## /.exec(readFileSync(new URL('reverse.md', docs), 'utf8')) ?? [];
  const rows = [...table.matchAll(/^\| (`[^|]+) \|/gm)].flatMap(
    ([, cell = '']) => cell.match(/(?<=`)[^`, ]+(?=`)/g) ?? [],
  );
  expect(rows.filter((text) => text !== '-R').length).toBeGreaterThan(12);
  for (const text of [...rows.filter((row) => row !== '-R'), ...shownFor('R')]) {
    expect(problemOfRemote(parseRemoteForward(text)), text).toBeUndefined();
  }
});
