import { Lab, type LabOptions, type Outcome } from './lab/lab.js';
import type { Scenario } from './scenario.js';

export interface Run extends LabOptions {
  /** Told the lab as soon as there is one, to look how far it is. */
  readonly onLab?: (lab: Lab) => void;
}

/** Runs a scenario; what it throws is a failure of the scenario. What it began is left to `endAll`. */
export async function runScenario(scenario: Scenario, run: Run): Promise<Outcome> {
  const lab = new Lab(scenario.id, run);
  run.onLab?.(lab);
  try {
    await scenario.run(lab);
  } catch (error) {
    lab.fail(error instanceof Error ? `${error.message}${causeOf(error)}` : String(error));
  }
  return lab.outcome();
}

function causeOf({ cause }: Error): string {
  return cause instanceof Error ? `: ${cause.message}` : '';
}
