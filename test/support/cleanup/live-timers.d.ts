/** From here on every timer made by the product, its dependencies and the tests is counted. */
export function watchTimers(): void;
/** Timers that have neither run nor been cleared. */
export function liveTimers(): number;
/** How long each of them waits, ms. */
export function liveWaits(): number[];
