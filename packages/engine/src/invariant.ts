let isWatched = false;

/** From here on a broken invariant is thrown. For tests: in production one fault is not to take everybody's connections. */
export function watchInvariants(): void {
  isWatched = true;
}

/** Whether what can never be otherwise is so. The caller does what is safe when it is not; a test is told. */
export function holds(condition: boolean, what: string): boolean {
  if (!condition && isWatched) throw new BrokenInvariant(`broken invariant: ${what}`);
  return condition;
}

/** Never the fault of who uses the engine. */
export class BrokenInvariant extends Error {}
