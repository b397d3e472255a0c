import { inject } from 'vitest';

/** In the environment of whoever runs the tests; vitest.config.ts hands it on, also to where there is none. */
type Effort =
  | 'SEED'
  | 'SEEDS'
  | 'MUTATIONS'
  | 'FUZZ_RUNS'
  | 'REBINDINGS'
  | 'DATAGRAMS'
  | 'DESTINATIONS'
  | 'KILLS'
  | 'OUTAGE'
  | 'MIB'
  | 'DOWNLOADS'
  | 'PLATFORMS';

declare module 'vitest' {
  interface ProvidedContext {
    readonly efforts: Readonly<Record<Effort, string | undefined>>;
  }
}

/** A number of runs that a longer or shorter test than the usual one sets, such as `SEEDS=100000`. */
export function effort(name: Effort, usual: number): number {
  const value = inject('efforts')[name];
  return value === undefined ? usual : Number(value);
}
