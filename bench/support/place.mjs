// Where benchmarks take place: a destination and an application, each a process of its own, beside the ways to compare.
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { endWithThis, freePort, inBench, startProgram, stopProgram } from './program.mjs';
import { makeCertificate } from './ways.mjs';

/** How long a task may take, ms: some seconds are what each of them needs. */
const PATIENCE = 120_000;

export async function createPlace() {
  const folder = await mkdtemp(join(tmpdir(), 'wsproxy-bench-'));
  const port = await freePort();
  const destination = await startProgram([], [inBench('support/destination.mjs'), '127.0.0.1', String(port)], 'ready');
  const applications = [];
  return {
    folder,
    target: ['127.0.0.1', port],
    certificate: await makeCertificate(folder),
    startApplication(program = 'application') {
      const child = fork(inBench(`support/${program}.mjs`), { stdio: 'inherit' });
      endWithThis(child);
      applications.push(child);
      return {
        /** Has a task done, and gives what was measured. */
        async ask(task, options = {}) {
          child.send({ task, options: { target: ['127.0.0.1', port], ...options } });
          const [{ result, error }] = await once(child, 'message', { signal: AbortSignal.timeout(PATIENCE) }).catch(
            () => {
              throw new Error(`${task} is not over after ${PATIENCE / 1000} s`);
            },
          );
          if (error !== undefined) throw new Error(`${task}: ${error}`);
          return result;
        },
        stop: () => stopProgram(child),
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
 * turn before counts for nothing: programs warm up in it, and `measure` is told so. One that `mayFail` is left out once it has, and that is told.
 * `program`: the application, if it is another one.
 */
export async function takeTurns({ place, ways, scenarios, repeats, progress, program }, measure) {
  const started = [];
  try {
    await startWays(ways, place, started);
    let application = place.startApplication(program);
    const found = [];
    for (const scenario of scenarios) {
      const measured = Object.fromEntries(started.map(({ name }) => [name, []]));
      for (let turn = 0; turn <= repeats; turn++) {
        for (const way of [...started]) {
          progress.step(`${Object.values(scenario).join(' ')} ${way.name}`);
          try {
            const figures = await measure(application, way, scenario, turn === 0);
            if (turn > 0) measured[way.name].push(figures);
          } catch (error) {
            leaveOut(way.name, ways[way.name], error);
            started.splice(started.indexOf(way), 1);
            delete measured[way.name];
            await way.stop();
            // It may still wait for what does not come.
            await application.stop();
            application = place.startApplication(program);
          }
        }
      }
      found.push({ scenario, measured });
    }
    return found;
  } finally {
    for (const way of started) await way.stop();
  }
}

async function startWays(ways, place, started) {
  for (const [name, start] of Object.entries(ways)) {
    try {
      started.push({ name, ...(await start(place)) });
    } catch (error) {
      leaveOut(name, start, error);
    }
  }
}

/** Tells that a way is left out, if it may be. */
export function leaveOut(name, { mayFail = false }, error) {
  if (!mayFail) throw error;
  console.error(`${name} is left out: ${error.message}`);
}
