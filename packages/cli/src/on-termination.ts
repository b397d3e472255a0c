/** One key press may arrive twice: npx passes on the SIGINT that its whole process group has had. In milliseconds. */
const SAME_PRESS = 50;

/**
 * Calls `stop` once, at the first SIGINT or SIGTERM. A second one ends the process at once with 128 + its number.
 * Returns a function that takes the handlers away again.
 */
export function onTermination(stop: (signal: NodeJS.Signals) => void): () => void {
  let stoppingSince: number | undefined;

  function handle(signal: NodeJS.Signals, number: number): void {
    if (stoppingSince === undefined) {
      stoppingSince = performance.now();
      stop(signal);
    } else if (performance.now() - stoppingSince > SAME_PRESS) {
      process.exit(128 + number);
    }
  }

  process.on('SIGINT', handle);
  process.on('SIGTERM', handle);
  return () => {
    process.off('SIGINT', handle);
    process.off('SIGTERM', handle);
  };
}
