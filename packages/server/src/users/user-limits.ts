/** What one user may use: whole numbers from 1 on. Anything that is left out has the bound of the server, or none. */
export interface UserLimits {
  /** Sessions at a time, attached or waiting to be resumed. */
  readonly sessions?: number;
  /** Channels at a time, of all sessions. */
  readonly channels?: number;
  /** Flows of datagrams at a time, of all sessions. */
  readonly flows?: number;
  /** Remote listeners at a time, of all sessions. */
  readonly listeners?: number;
  /** From the client to destinations, all channels and flows together, bytes a second. */
  readonly bytesPerSecondUp?: number;
  /** From destinations to the client, all channels and flows together, bytes a second. */
  readonly bytesPerSecondDown?: number;
  /** Both ways together, in a calendar month, bytes. */
  readonly monthlyBytes?: number;
  /** How long a session of the user waits for its client at most, ms: more or less than those of other users. */
  readonly grace?: number;
}
