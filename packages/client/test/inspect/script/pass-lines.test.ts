import { PassThrough } from 'node:stream';
import { expect, test } from 'vitest';
import { FakeClock } from 'wsproxy-engine/testing';
import { passLines } from '../../../src/inspect/script/pass-lines.js';

function start() {
  const [output, clock, lines]: [PassThrough, FakeClock, string[]] = [new PassThrough(), new FakeClock(), []];
  passLines(output, clock, (text) => lines.push(text));
  return { output, clock, lines };
}

test('what a script says comes line by line, also the last one, and also cut anywhere', async () => {
  const { output, lines } = start();
  for (const byte of Buffer.from('one\n\nzwölf\nlast')) output.write(Buffer.of(byte));
  output.end();
  await expect.poll(() => lines).toEqual(['one', '', 'zwölf', 'last']);
});

test('a long line is cut, and no more is held of it', async () => {
  const { output, lines } = start();
  for (let n = 0; n < 10; n++) output.write('x'.repeat(1_000));
  output.end('\nnext\n');
  await expect.poll(() => lines).toEqual(['x'.repeat(4_096), 'next']);
});

test('a script that says very much waits', async () => {
  const { output, clock, lines } = start();
  const line = `${'x'.repeat(999)}\n`;
  for (let n = 0; n < 200; n++) output.write(line);
  await expect.poll(() => output.isPaused()).toBe(true);
  const [before] = [lines.length];
  expect(before).toBeLessThan(100);
  clock.advance(1_000);
  await expect.poll(() => lines.length).toBeGreaterThan(before);
  for (; lines.length < 200; clock.advance(1_000))
    await expect.poll(() => output.isPaused() || lines.length === 200).toBe(true);
});
