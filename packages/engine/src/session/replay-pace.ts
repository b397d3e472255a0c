/** Holds what is sent again to a rate: anyone who resumes again and again, and acknowledges nothing, gets no more by that. */
export interface ReplayPace {
  /** For how long nothing is to be sent again, ms. */
  readonly pause: number;
  /** `bytes` were sent again. */
  charge(bytes: number): void;
}
