import { BrokenInvariant } from './invariant.js';

/**
 * Calls what the one who uses the engine has given it. What that throws is not to cut short what the engine is at, such as the
 * reading of frames of others: `onThrown` gets it.
 */
export function callOut(call: () => void, onThrown: (error: unknown) => void = tellProgram): void {
  try {
    call();
  } catch (error) {
    // Of a test, about the engine.
    if (error instanceof BrokenInvariant) throw error;
    onThrown(error);
  }
}

/** As a rejection that nobody handles, which every platform tells. */
export function tellProgram(error: unknown): void {
  void Promise.reject(error);
}

/** One function in place of a list, for those who hardly ever have more than one. */
export function inTurn(...calls: readonly (() => void)[]): () => void {
  return () => {
    for (const call of calls) callOut(call);
  };
}
