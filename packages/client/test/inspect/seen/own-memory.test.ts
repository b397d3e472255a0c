import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { expect, test } from 'vitest';
import { FakeClock } from 'wsproxy-engine/testing';
import { Exchanges } from '../../../src/inspect/seen/exchanges.js';
import { ownText } from '../../../src/inspect/seen/own-memory.js';
import { START, upgrade } from './fake-exchanges.js';

const MIB = 1_048_576;

/** In use after a full collection, buffers with it. */
function inUse(): number {
  setFlagsFromString('--expose-gc');
  const collect = runInNewContext('gc');
  collect();
  // Buffers that are free by now are counted as such when the next one begins.
  collect();
  const { heapUsed, arrayBuffers } = process.memoryUsage();
  return heapUsed + arrayBuffers;
}

test.each([
  ['nothing', '', 5, ''],
  ['a short text', 'GET', 256, 'GET'],
  ['one beyond ASCII', 'ä€𝄞'.repeat(20), 59, 'ä€𝄞'.repeat(15).slice(0, 59)],
])('%s is kept as it is, up to its bound', (_what, text, most, kept) => {
  expect(ownText(text, most)).toBe(kept);
});

test('what is kept takes no more memory than is counted: of long URLs and headers', () => {
  const exchanges = new Exchanges(new FakeClock());
  const before = inUse();
  for (let n = 0; n < 200; n++) {
    const text = Buffer.alloc(250_000, `${n}:`).toString('latin1');
    const headers = ['cookie', text.slice(10, 500), 'x-large', text.slice(0, 100_000)];
    exchanges.onExchange({ ...START, url: `https://shop.example/${text}`, method: text.slice(3, 23), headers });
  }
  expect(inUse() - before).toBeLessThan(exchanges.held + MIB);
  expect([...exchanges.all()][7]?.start).toMatchObject({
    url: `https://shop.example/${'7:'.repeat(10_000)}`.slice(0, 16_384),
    headers: ['cookie', '7:'.repeat(245)],
  });
});

test('what is kept takes no more memory than is counted: of small messages among others', () => {
  const exchanges = new Exchanges(new FakeClock());
  const before = inUse();
  const message = Buffer.from([0x82, 100, ...Buffer.alloc(100, 'm')]);
  for (let n = 0; n < 10; n++) {
    const watcher = exchanges.onExchange(START);
    upgrade(watcher);
    for (let m = 0; m < 1_000; m++) {
      // Node cuts these, too, from what small buffers have in common.
      Buffer.from(Buffer.alloc(2_000));
      watcher.onBytes('down', message);
    }
  }
  expect(exchanges.held).toBeGreaterThan(4 * MIB);
  expect(inUse() - before).toBeLessThan(exchanges.held + MIB);
});
