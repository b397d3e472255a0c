import { writeFile } from 'node:fs/promises';
import os from 'node:os';
import { join } from 'node:path';

/** Writes NAME.json to `folder`: what was found, and where, when and how. */
export async function writeResults(folder, name, command, found) {
  const machine = {
    cpu: os.cpus()[0].model,
    cores: os.cpus().length,
    kernel: os.release(),
    node: process.version,
    load: os.loadavg().map((load) => Number(load.toFixed(2))),
  };
  const report = { date: new Date().toISOString(), command, machine, ...found };
  await writeFile(join(folder, `${name}.json`), `${JSON.stringify(report, null, 2)}\n`);
}
