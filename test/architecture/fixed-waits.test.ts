import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));

/** Who may wait for a time, and what for. Everybody else waits for what is to happen. */
const ALLOWED: Readonly<Record<string, string>> = {
  'test/support/until.ts': 'between two looks',
  'test/support/sockets/connected-sockets.ts': 'between two looks',
  'packages/engine/test/replay/replay-buffer.test.ts': 'the end of a task, without any time',
  'test/support/traffic.ts': 'a sender that is not in a hurry',
  'test/cluster/three-nodes.test.ts': 'how long a transport lives',
  'test/resume/hundred-kills.test.ts': 'how long a transport lives, and a proxy is away',
  'test/datagrams/inside/wireguard.ts': 'how long a transport lives, and a fault lasts',
  'test/faults/lab/lab.ts': 'between two looks',
  'test/faults/lab/strikes.ts': 'how long a fault lasts',
  'test/faults/roam/inside.ts': 'how long a machine sleeps',
  'test/faults/scenarios/chaos.ts': 'between two faults',
  'test/faults/scenarios/herd.ts': 'how long a server is away',
  'test/faults/scenarios/kills.ts': 'how long a fault lasts',
  'test/faults/scenarios/load.ts': 'how long nothing happens, or a rate is measured',
  'test/faults/scenarios/outages.ts': 'how long a fault lasts',
  'test/faults/scenarios/processes.ts': 'how long a fault lasts',
};

const WAITS: readonly RegExp[] = [
  /import \{[^}]*\bsetTimeout\b[^}]*\} from '(node:)?timers\/promises'/,
  /new Promise(<[^>]*>)?\(\(?\w*\)? => (\{\s*)?setTimeout\(/,
  /\bAtomics\.wait\(/,
];

function testFiles(): string[] {
  const folders = ['test', ...readdirSync(join(ROOT, 'packages')).map((name) => join('packages', name, 'test'))];
  return folders.flatMap((folder) =>
    readdirSync(join(ROOT, folder), { recursive: true, encoding: 'utf8' })
      .filter((file) => /\.ts$/.test(file) && !file.includes('node_modules'))
      .map((file) => join(folder, file).replaceAll('\\', '/')),
  );
}

const waitsForTime = (source: string) => WAITS.some((pattern) => pattern.test(source));

describe('a test that waits for a fixed time', () => {
  test.each([
    "import { setTimeout as sleep } from 'node:timers/promises';",
    'await new Promise((resolve) => setTimeout(resolve, 100));',
    'await new Promise<void>((resolve) => {\n  setTimeout(resolve, 100);\n});',
  ])('is noticed: %j', (source) => {
    expect(waitsForTime(source)).toBe(true);
  });

  test('is none but those that have a reason', () => {
    const waiting = testFiles().filter((file) => waitsForTime(readFileSync(join(ROOT, file), 'utf8')));
    const own = 'test/architecture/fixed-waits.test.ts';
    expect(waiting.filter((file) => file !== own).sort()).toEqual(Object.keys(ALLOWED).sort());
  });
});
