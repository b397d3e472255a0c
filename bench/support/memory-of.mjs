import { setTimeout as sleep } from 'node:timers/promises';
import { inBench } from './program.mjs';

/** Options of Node for a program whose memory is measured. */
export const REPORTING = ['--import', inBench('support/report-memory.mjs')];

/** What is left after the garbage of a program was collected, once it has come to rest, which takes `rest` ms. */
export async function memoryOf(child, rest) {
  await sleep(rest);
  const before = child.lines.length;
  child.kill('SIGUSR2');
  for (;;) {
    const line = child.lines.slice(before).find((text) => text.includes('"msg":"memory"'));
    if (line !== undefined) return JSON.parse(line);
    await sleep(10);
  }
}

/** Bytes that each of `count` has taken between two reports: resident, and those that JavaScript holds. */
export function perPiece(before, after, count) {
  const live = ({ heapUsed, external }) => heapUsed + external;
  return { resident: (after.rss - before.rss) / count, live: (live(after) - live(before)) / count };
}
