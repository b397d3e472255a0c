/** What one flow has carried between its tunnel and its sockets, and what was dropped there. */
export class FlowCounts {
  datagramsUp = 0;
  datagramsDown = 0;
  /** Of their payload. */
  bytesUp = 0;
  bytesDown = 0;
  /** How many it has begun to send to. */
  destinations = 0;
  readonly dropped: Record<DropReason, number> = { ...NONE };

  passed(direction: 'up' | 'down', bytes: number): void {
    if (direction === 'up') {
      this.datagramsUp += 1;
      this.bytesUp += bytes;
    } else {
      this.datagramsDown += 1;
      this.bytesDown += bytes;
    }
  }

  drop(reason: DropReason): void {
    this.dropped[reason] += 1;
  }
}

const NONE = { denied: 0, destinations: 0, rate: 0, unasked: 0, unsent: 0, waiting: 0 };

/**
 * Why a datagram goes no further. Its destination is denied or was not found (`denied`), there were too many new ones
 * (`destinations`), or too much waits until it is found (`waiting`). The rate is used up (`rate`). Nothing was sent to its
 * sender (`unasked`). The system does not take it (`unsent`).
 */
export type DropReason = keyof typeof NONE;
