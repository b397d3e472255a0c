import type { Channel } from './news.js';

/** By what connections can be sorted; `rate` is both directions together. */
export type SortKey = 'rate' | 'target' | 'kind' | 'down' | 'up' | 'carried' | 'age';

export interface Order {
  readonly key: SortKey;
  /** Against what is usual: names from A, figures from the highest. */
  readonly reversed: boolean;
}

/** Anyone who takes the most of the line stands first. */
export const FASTEST_FIRST: Order = { key: 'rate', reversed: false };

/** What a click on the head of a column makes of an order: that column, then reversed, then the fastest first again. */
export function nextOrder({ key, reversed }: Order, column: SortKey): Order {
  if (key !== column) return { key: column, reversed: false };
  return reversed ? FASTEST_FIRST : { key, reversed: true };
}

export function sortChannels(channels: readonly Channel[], { key, reversed }: Order): Channel[] {
  const compare = COMPARE[key];
  const sign = reversed ? -1 : 1;
  // Equal ones keep their places: a list that jumps cannot be read.
  return [...channels].sort((a, b) => sign * compare(a, b) || a.id - b.id);
}

const COMPARE: Readonly<Record<SortKey, (a: Channel, b: Channel) => number>> = {
  rate: highest(({ rateDown, rateUp }) => rateDown + rateUp),
  target: (a, b) => a.target.localeCompare(b.target, 'en', { numeric: true }),
  kind: (a, b) => a.kind.localeCompare(b.kind, 'en'),
  down: highest(({ rateDown }) => rateDown),
  up: highest(({ rateUp }) => rateUp),
  carried: highest(({ bytesDown, bytesUp }) => bytesDown + bytesUp),
  age: (a, b) => a.beganMs - b.beganMs,
};

function highest(figure: (channel: Channel) => number): (a: Channel, b: Channel) => number {
  return (a, b) => figure(b) - figure(a);
}
