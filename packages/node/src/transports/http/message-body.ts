/** What a message carries, as it comes. The memory of a piece is its reader's for as long as `listener` takes, no longer. */
export interface MessageBody {
  on(event: 'data', listener: (piece: Buffer) => void): unknown;
  once(event: 'end' | 'close' | 'error', listener: () => void): unknown;
  pause(): unknown;
  resume(): unknown;
}
