/** What the engine's tests ask of the machine below: anyone who runs them starts it with `--expose-gc`. */
interface Machine {
  gc(): void;
  /** Node's. */
  readonly process?: { memoryUsage(): { heapUsed: number; arrayBuffers: number } };
  /** Chromium's. */
  readonly performance: { readonly memory?: { readonly usedJSHeapSize: number } };
}
const machine = globalThis as unknown as Machine;

/** Collects all memory that nothing holds any more. */
export function collectGarbage(): void {
  machine.gc();
}

/** Bytes of memory that something holds. */
export function heldMemory(): number {
  collectGarbage();
  const usage = machine.process?.memoryUsage();
  return usage === undefined
    ? (machine.performance.memory?.usedJSHeapSize ?? Number.NaN)
    : usage.heapUsed + usage.arrayBuffers;
}
