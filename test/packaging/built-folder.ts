import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestProject } from 'vitest/node';

declare module 'vitest' {
  interface ProvidedContext {
    /** A folder of a run of tests, for what `built` builds in it. */
    readonly packages: string;
  }
}

/** Vitest runs this before the first file of tests, and what it returns after the last one. */
export default function setUp({ provide }: TestProject): () => void {
  const folder = mkdtempSync(join(tmpdir(), 'wsproxy-packages-'));
  provide('packages', folder);
  return () => rmSync(folder, { recursive: true });
}
