import { inject } from 'vitest';
import type { Effort } from './effort-names.js';

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
