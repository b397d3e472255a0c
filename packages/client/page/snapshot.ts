/** What the client tells, as far as the page shows it. A field that is missing is not known. */
export interface Snapshot {
  readonly state: string;
  readonly server: string;
  readonly roundTripMs?: number | undefined;
  readonly resumes: number;
  readonly bytesUp: number;
  readonly bytesDown: number;
  readonly clockMs: number;
  readonly proxy?: string | undefined;
  readonly channelCount: number;
  readonly channels: readonly ShownChannel[];
}

export interface ShownChannel {
  readonly id: number;
  readonly target: string;
  readonly open: boolean;
  readonly ageMs: number;
  readonly bytesUp: number;
  readonly bytesDown: number;
}
