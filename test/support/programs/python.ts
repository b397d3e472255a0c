import { run } from './program.js';

/** The first Python that has a module: packages of the system belong to that of the system. */
export async function pythonWith(module: string): Promise<string | undefined> {
  for (const candidate of ['python3', '/usr/bin/python3']) {
    const { code } = await run(candidate, ['-c', `import ${module}`]);
    if (code === 0) return candidate;
  }
  return undefined;
}
