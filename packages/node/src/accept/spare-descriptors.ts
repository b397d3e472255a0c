import { closeSync, openSync } from 'node:fs';
import { devNull } from 'node:os';

/** Throws what the system says (EMFILE) where fewer than `count` descriptors are left. */
export function expectDescriptors(count: number): void {
  const taken: number[] = [];
  try {
    while (taken.length < count) taken.push(openSync(devNull, 'r'));
  } finally {
    for (const descriptor of taken) closeSync(descriptor);
  }
}
