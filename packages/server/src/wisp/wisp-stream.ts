import type { Session } from 'wsproxy-engine';

/** One stream of a connection, as long as either end may say something on it. */
export interface WispStream {
  /** The client has sent `data`. */
  take(data: Uint8Array): void;
  /** The client has closed it, and says why. */
  leave(reason: number): void;
}

/** A connection, as far as its streams have to know it. */
export interface StreamOwner {
  /** In which they open channels and flows. */
  readonly session: Session;
  /** The client is told when a connection to a destination is there. */
  readonly confirmsOpening: boolean;
  /** The client has left much unread: what may be lost is to be. */
  readonly isCrowded: boolean;
  /** `onSent`: the system has taken it. */
  send(packet: Buffer, onSent?: () => void): void;
  /** The stream is over on this side, and the client is told `reason`: its number means nothing any more. */
  close(id: number, reason: number): void;
}
