import { cpuSeconds } from './processes.mjs';

/** Does what the parent process asks for by messages, one task after the other, and answers each with what it measured. */
export function answerTasks(tasks) {
  process.on('message', ({ task, options }) => {
    tasks[task](options).then(
      (result) => process.send({ result }),
      (error) => process.send({ error: error.stack }),
    );
  });
}

/** How long `work` takes, s, and the CPU seconds of `pids` meanwhile. */
export async function timed(pids, work) {
  const cpuBefore = cpuSeconds(pids);
  const start = performance.now();
  await work();
  const seconds = (performance.now() - start) / 1000;
  return { seconds, cpu: cpuSeconds(pids) - cpuBefore };
}
