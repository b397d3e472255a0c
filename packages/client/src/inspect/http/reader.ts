/** Reads the two directions of a connection as they pass, and tells what they say. It changes nothing and holds nothing up. */
export interface Reader {
  /**
   * The bytes are the reader's to keep.
   * @throws Error with why it cannot be read any further, in a clause; then it is only to be closed
   */
  read(direction: Direction, bytes: Buffer): void;
  /** One direction has ended. Throws as `read` does. */
  end(direction: Direction): void;
  /** Nothing more comes. `failure`: why it ended too soon. */
  close(failure?: string): void;
}

/** `up`: from the application. */
export type Direction = 'up' | 'down';
