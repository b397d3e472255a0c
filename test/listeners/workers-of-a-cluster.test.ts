import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { run } from 'wsproxy-test-support/programs/program';

const SCRIPT = fileURLToPath(new URL('../support/programs/listening-workers.mjs', import.meta.url));

test.each(['tcp', 'udp'])(
  'two workers of one process never share a port of a listener (%s): what comes for one would reach the other',
  async (kind) => {
    const { stdout, stderr } = await run(process.execPath, [SCRIPT, kind]);
    expect([stdout, stderr]).toEqual(['listening ADDRESS_IN_USE\n', '']);
  },
);
