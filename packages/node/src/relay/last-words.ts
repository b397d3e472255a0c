/**
 * What came before a reset has this long to be read, and longer only while the reader takes it, ms: its memory is held as
 * long, and a reader that does not read is to learn of the reset all the same, as it would without a tunnel.
 */
export const LAST_WORDS = 1_000;
