/** Of the environment, by which long tests take longer or shorter (effort.ts). */
export const EFFORT_NAMES = [
  'SEED',
  'SEEDS',
  'MUTATIONS',
  'FUZZ_RUNS',
  'REBINDINGS',
  'DATAGRAMS',
  'DESTINATIONS',
  'KILLS',
  'OUTAGE',
  'MIB',
  'DOWNLOADS',
  'PLATFORMS',
] as const;

export type Effort = (typeof EFFORT_NAMES)[number];

/** What `env` says of each. */
export function effortsIn(env: Readonly<Record<string, string | undefined>>): Record<Effort, string | undefined> {
  return Object.fromEntries(EFFORT_NAMES.map((name) => [name, env[name]])) as Record<Effort, string | undefined>;
}
