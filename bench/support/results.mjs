import { mkdir, writeFile } from 'node:fs/promises';
import os from 'node:os';
import { inBench } from './program.mjs';

/** Writes bench/results/NAME.json: what was found, and where, when and how. */
export async function writeResults(name, command, found) {
  const machine = {
    cpu: os.cpus()[0].model,
    cores: os.cpus().length,
    kernel: os.release(),
    node: process.version,
    load: os.loadavg().map((load) => Number(load.toFixed(2))),
  };
  const report = { date: new Date().toISOString(), command, machine, ...found };
  await mkdir(inBench('results'), { recursive: true });
  await writeFile(inBench(`results/${name}.json`), `${JSON.stringify(report, null, 2)}\n`);
}
