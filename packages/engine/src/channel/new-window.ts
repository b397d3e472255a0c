import { EARLY_WINDOW, INITIAL_WINDOW, MAX_WINDOW } from '../constants.js';
import type { MemoryBudget } from '../flow/memory-budget.js';
import { ReceiveWindow, type WindowOptions } from '../flow/receive-window.js';

/** The receive window of a channel whose session has `budget` for all of them. */
export function newWindow(budget: MemoryBudget, now: number): ReceiveWindow {
  let options = optionsOf.get(budget);
  if (options === undefined) {
    options = { base: EARLY_WINDOW, initial: INITIAL_WINDOW, max: MAX_WINDOW, budget };
    optionsOf.set(budget, options);
  }
  return new ReceiveWindow(options, now);
}

/** One for all channels that share a budget. */
const optionsOf = new WeakMap<MemoryBudget, WindowOptions>();
