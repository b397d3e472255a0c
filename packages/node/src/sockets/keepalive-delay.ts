/** TCP asks whether the other side is there after this much silence, ms: one that vanished holds nothing for ever. */
export const KEEPALIVE_DELAY = 60_000;
