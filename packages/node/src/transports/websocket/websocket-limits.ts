/** What `ws` is told at either end. It has most of these defaults too high for a peer that is hostile, or wastes time. */
export const WEBSOCKET_LIMITS = {
  /** A peer that may inflate makes 64 KiB on the wire 64 MiB in memory. */
  perMessageDeflate: false,
  /** A message above this is not from a wsproxy, bytes. */
  maxPayload: 262_144,
  maxFragments: 64,
  maxBufferedChunks: 4_096,
  /** So many pings wait for their answers to leave: a peer that reads none is cut off. */
  maxPendingAutoPongs: 60,
  /** Messages are binary. */
  skipUTF8Validation: true,
  /** How long a peer may leave our close frame unanswered, ms. */
  closeTimeout: 3_000,
} as const;
