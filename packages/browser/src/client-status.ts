/** How the tunnel stands. */
export interface ClientStatus {
  readonly state: ClientState;
  /**
   * Why it is not connected: the last failure; undefined before the first try has ended. While it is connected: why it will not be for
   * long; mostly undefined.
   */
  readonly reason: string | undefined;
  /** Until the next try, ms; undefined while there is nothing to wait for. */
  readonly nextTryMs: number | undefined;
  /** Tries that have failed one after the other. */
  readonly failedTries: number;
  /** How often it went on with another WebSocket. */
  readonly resumes: number;
  /** Shortest round trip of the last seconds; undefined while unknown. */
  readonly roundTripMs: number | undefined;
  /** Living connections. */
  readonly connections: number;
}

/**
 * `idle`: nothing has used it. `connecting`: for the first time. `connected`. `away`: it was, and will be again; connections wait.
 * `gone`: for good, and every connection with it.
 */
export type ClientState = 'idle' | 'connecting' | 'connected' | 'away' | 'gone';
