// The load of "connections opened" (opens-load.c): compiled on first use, its destination and its applications programs of
// their own.
import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { readFile, rename } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { cpuSeconds } from './processes.mjs';
import { inBench, listeningAt, startCommand, stopProgram } from './program.mjs';

const run = promisify(execFile);
/** How long it may take, ms: some seconds are what it needs. */
const PATIENCE = 120_000;
const SOURCE = inBench('support/opens-load.c');

/**
 * A destination at `target`, and applications: `open` opens `count` connections, `parallel` at a time, by the way that
 * `open` describes (see ways.mjs), and gives the seconds that took, the median time to the first byte of an answer, ms,
 * and the CPU seconds of `pids`.
 */
export async function startOpensLoad() {
  const program = await compile();
  const destination = await startCommand([program, 'serve'], '"ready"');
  const target = listeningAt(destination);
  return {
    target,
    async open({ open: { address, socks }, pids, count, parallel }) {
      const before = cpuSeconds(pids);
      const { stdout } = await run(
        program,
        ['open', ...address, count, parallel, ...(socks ? target : [])].map(String),
        { timeout: PATIENCE },
      );
      return { ...JSON.parse(stdout), cpu: cpuSeconds(pids) - before };
    },
    stop: () => stopProgram(destination),
  };
}

async function compile() {
  const version = createHash('sha256')
    .update(await readFile(SOURCE))
    .digest('hex')
    .slice(0, 16);
  const program = join(tmpdir(), `wsproxy-opens-load-${version}`);
  if (existsSync(program)) return program;
  const own = `${program}.${process.pid}`;
  await run('gcc', ['-O2', '-Wall', '-o', own, SOURCE]);
  await rename(own, program);
  return program;
}
