import { QUEUE_LIMIT, REPLAY_LIMIT, WINDOW_BUDGET } from '../constants.js';
import { MemoryBudget, type ProcessBudgets } from '../flow/memory-budget.js';

/**
 * What all sessions of a client may hold together. Each has bounds of its own, but where servers come and go there are ever
 * more of them: one that was left for another server lives on as long as it has channels, and waits for the way back.
 */
export function clientBudgets(connections: number): ProcessBudgets {
  const sessions = connections * SESSIONS;
  return {
    windows: new MemoryBudget(sessions * WINDOW_BUDGET),
    replay: new MemoryBudget(sessions * (REPLAY_LIMIT + QUEUE_LIMIT)),
  };
}

/** As much as so many hold that are full, for each connection: the one in use has room while three wait that were left. */
const SESSIONS = 4;
