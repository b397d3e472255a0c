// Where benchmarks take place: a destination and an application, each a process of its own, beside the ways to compare.
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { endWithThis, freePort, inBench, startProgram, stopProgram } from './program.mjs';
import { makeCertificate } from './ways.mjs';

export async function createPlace() {
  const folder = await mkdtemp(join(tmpdir(), 'wsproxy-bench-'));
  const port = await freePort();
  const destination = await startProgram([], [inBench('support/destination.mjs'), '127.0.0.1', String(port)], 'ready');
  const applications = [];
  return {
    folder,
    target: ['127.0.0.1', port],
    certificate: await makeCertificate(folder),
    startApplication() {
      const child = fork(inBench('support/application.mjs'), { stdio: 'inherit' });
      endWithThis(child);
      applications.push(child);
      return {
        /** Has a task done, and gives what was measured. */
        async ask(task, options = {}) {
          child.send({ task, options: { target: ['127.0.0.1', port], ...options } });
          const [{ result, error }] = await once(child, 'message');
          if (error !== undefined) throw new Error(`${task}: ${error}`);
          return result;
        },
      };
    },
    async stop() {
      for (const child of [...applications, destination]) await stopProgram(child);
      await rm(folder, { recursive: true });
    },
  };
}

/**
 * Starts the ways, measures each in turn, A B A B, and gives for each scenario and way what `repeats` turns measured. A
 * turn before counts for nothing: programs warm up in it.
 */
export async function takeTurns({ place, ways, scenarios, repeats, progress }, measure) {
  const started = [];
  try {
    const application = place.startApplication();
    for (const [name, start] of Object.entries(ways)) started.push({ name, ...(await start(place)) });
    const found = [];
    for (const scenario of scenarios) {
      const measured = Object.fromEntries(started.map(({ name }) => [name, []]));
      for (let turn = 0; turn <= repeats; turn++) {
        for (const way of started) {
          progress.step(`${Object.values(scenario).join(' ')} ${way.name}`);
          const figures = await measure(application, way, scenario);
          if (turn > 0) measured[way.name].push(figures);
        }
      }
      found.push({ scenario, measured });
    }
    return found;
  } finally {
    for (const way of started) await way.stop();
  }
}
