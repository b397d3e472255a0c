import { setTimeout as pause } from 'node:timers/promises';

/** Between two looks, ms: short, since most conditions hold at the first or second one. */
const INTERVAL = 5;

/** Resolves once `condition` holds; rejects with `what` when it does not within `deadline` ms. */
export async function until(
  what: string,
  condition: () => boolean | Promise<boolean>,
  deadline: number = 20_000,
): Promise<void> {
  const start = performance.now();
  while (!(await condition())) {
    if (performance.now() - start > deadline) throw new Error(`not within ${deadline} ms: ${what}`);
    await pause(INTERVAL);
  }
}
