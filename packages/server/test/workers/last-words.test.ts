import { PassThrough } from 'node:stream';
import { expect, test } from 'vitest';
import { LastWords } from '../../src/workers/last-words.js';
import { until } from '../peer.js';

function listen(isTaken: () => boolean = () => true) {
  const [stream, written] = [new PassThrough(), [] as string[]];
  let resume = (): void => {};
  const words = new LastWords(stream, (lines, onTaken) => {
    written.push(lines);
    resume = onTaken;
    return isTaken();
  });
  return { stream, written, words, resume: () => resume() };
}

test('lines are passed on whole, in any pieces they come', async () => {
  const { stream, written, words } = listen();
  words.release();
  for (const piece of ['one\ntw', 'o', '\nthr']) stream.write(piece);
  await until(() => written.length === 2);
  stream.end('ee');
  await until(() => written.length === 3);
  expect(written).toEqual(['one\n', 'two\n', 'three\n']);
});

test('what comes before they are released is kept', async () => {
  const { stream, written, words } = listen();
  stream.write('wsproxy-server: no token\n');
  await until(() => words.all !== '');
  expect([words.all, words.last, written]).toEqual(['wsproxy-server: no token\n', 'no token', []]);
  words.release();
  expect(written).toEqual(['wsproxy-server: no token\n']);
});

test('the reason is what Node says last', async () => {
  const { stream, words } = listen();
  const fatal = 'FATAL ERROR: Reached heap limit Allocation failed - JavaScript heap out of memory';
  stream.write(`{"msg":"ready"}\n<--- Last few GCs --->\n${fatal}\n 1: 0xb8d0a3 node::Abort()\n`);
  await until(() => words.last !== undefined);
  expect(words.last).toBe('Reached heap limit Allocation failed - JavaScript heap out of memory');
});

test('a part of the program that is missing is a reason', async () => {
  const { stream, words } = listen();
  const problem = "Cannot find module '/opt/wsproxy-server/dist/cli/cli.js'";
  stream.write(
    `node:internal/modules/esm/resolve:257\n    throw new X();\n\nError [ERR_MODULE_NOT_FOUND]: ${problem}\n`,
  );
  await until(() => words.last !== undefined);
  expect(words.last).toBe(problem);
});

test('anyone who writes faster than the log is read waits', async () => {
  let isTaken = false;
  const { stream, written, words, resume } = listen(() => isTaken);
  words.release();
  stream.write('one\n');
  await until(() => written.length === 1);
  expect(stream.isPaused()).toBe(true);
  isTaken = true;
  resume();
  stream.write('two\n');
  await until(() => written.length === 2);
});
