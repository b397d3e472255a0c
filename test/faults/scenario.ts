import type { Lab } from './lab/lab.js';

/** What is done to a tunnel, and what must come of it. */
export interface Scenario {
  /** As in the report. */
  readonly id: string;
  readonly title: string;
  /** What of the list of hostile input it is the proof of: test/hostile/rows.ts finds them here. */
  readonly hostile?: readonly string[];
  /** Programs without which it cannot run. */
  readonly programs?: readonly string[];
  /** Whether only root can run it. */
  readonly root?: boolean;
  run(lab: Lab): Promise<void>;
}
