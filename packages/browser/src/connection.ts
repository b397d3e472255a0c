/** A connection through the tunnel, in the shape of the Direct Sockets API. */
export interface Connection {
  /** Resolves once the server has reached the destination; rejects with TunnelError when it could not. */
  readonly opened: Promise<OpenConnection>;
  /** Resolves once both directions have ended; rejects with TunnelError when the connection was lost or reset. */
  readonly closed: Promise<void>;
  /** Ends both directions. What was written still goes, if it was all taken: otherwise the connection is reset. */
  close(): void;
}

/** Both directions of a connection. Each ends by itself. */
export interface OpenConnection extends Pick<Connection, 'closed' | 'close'> {
  /** What the destination sends, also by a reader of mode `byob`. A reset is an error, never an end. Nothing is asked for ahead of a read. */
  readonly readable: ReadableStream<Uint8Array<ArrayBuffer>>;
  /** Takes bytes, and ends by `close`; `abort` resets the connection, and so does a write of anything else. */
  readonly writable: WritableStream<BufferSource>;
}
