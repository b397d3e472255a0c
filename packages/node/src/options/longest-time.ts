/** The longest time that a timer of Node keeps, ms: a longer one would be over at once. About 24.8 days. */
export const LONGEST_TIME: number = 2 ** 31 - 1;
