/** One WebSocket connection as the session sees it: bytes in order, both ways, until it closes. */
export interface Transport {
  /** Told what happens; exchanged to fence a transport off, since a closed WebSocket may still deliver messages. */
  receiver: TransportReceiver;
  /** Bytes handed to `send` that the operating system has not taken yet. */
  readonly backlog: number;
  /**
   * The parts, joined, are the next bytes; they belong to the transport from here on and must not change. It may use the
   * `headroom` bytes of memory in front of the first part; default 0.
   */
  send(parts: readonly Uint8Array[], headroom?: number): void;
  /** Brings no more in this turn of the event loop, so that others have theirs; to be left out where there are no others. */
  giveWay?(): void;
  /** Sends what was accepted, then closes with an RFC 6455 code. */
  close(code: number, reason: string): void;
  /** Cuts the connection without a word. */
  terminate(): void;
}

export interface TransportReceiver {
  onBytes(chunk: Uint8Array): void;
  /** `backlog` has fallen enough to send more. */
  onDrain(): void;
  /** The end, told once: the close code (1006 without one) and what is known of the cause. */
  onClose(code: number, reason: string): void;
  /** The peer sent a text message, which the protocol does not have. */
  onText(): void;
}

/** For a transport that nobody listens to any more. */
export const deafReceiver: TransportReceiver = { onBytes() {}, onDrain() {}, onClose() {}, onText() {} };
