import { closeSync, openSync, writeSync } from 'node:fs';
import { atEnd } from 'wsproxy-test-support/cleanup/at-end';
import { launch, type ProgramName } from 'wsproxy-test-support/programs/command-line';
import type { Program, ProgramOptions } from 'wsproxy-test-support/programs/program';
import { run } from 'wsproxy-test-support/programs/program';
import { connectTo } from 'wsproxy-test-support/sockets/application';
import { freePort } from 'wsproxy-test-support/sockets/listen';
import { temporaryFolder } from 'wsproxy-test-support/temporary-folder';
import { until } from 'wsproxy-test-support/until';
import type { Lab } from '../lab/lab.js';
import type { Scenario } from '../scenario.js';

const MIB = 1024 * 1024;
const STARTED_IN = 20_000;
const GONE_IN = 20_000;

type Stderr = NonNullable<ProgramOptions['stderr']>;

/** A program that logs all it can to `stderr`, listening; it cannot be asked for its port. */
async function startLogging(name: ProgramName, args: readonly string[], stderr: Stderr) {
  const port = await freePort();
  const all = [...args, '--listen', `127.0.0.1:${port}`, '--log-level', 'trace', '--log-format', 'json'];
  const program = launch(name, all, { stderr });
  const answers = () =>
    connectTo(port).then(
      (socket) => {
        socket.destroy();
        return true;
      },
      () => false,
    );
  await until(`${name} listens`, answers, STARTED_IN);
  return { program, port };
}

/** Both ends write where writing goes wrong, and carry on. */
async function logInto(lab: Lab, stderr: () => Stderr, onStarted: (program: Program) => void = () => {}) {
  const server = await startLogging(
    'wsproxy-server',
    ['--allow-private', '--max-failed-dials-burst', '100000'],
    stderr(),
  );
  const client = await startLogging('wsproxy-client', [`ws://127.0.0.1:${server.port}/`], stderr());
  await until('a first request is served', () => lab.isServed(client.port), STARTED_IN);
  for (const { program } of [client, server]) onStarted(program);
  const agreed = () => ({ kind: 'both', up: lab.dice.between(0, MIB / 8), down: 1_000, pause: 0 }) as const;
  for (let n = 0; n < lab.size(2_000, 200); n++) {
    lab.status = `${n} connections logged`;
    await lab.exchange(client.port, agreed());
  }
  for (const { program } of [client, server]) {
    program.signal('SIGTERM');
    const gone = performance.now();
    const { code } = await program.ended;
    await lab.expect(`${program.child.spawnfile} exits with 0, not ${code}`, code === 0);
    await lab.expect('it does not wait for its log', performance.now() - gone < GONE_IN);
  }
  await lab.expectIntact();
}

function descriptor(path: string): number {
  const opened = openSync(path, 'a');
  atEnd(() => closeSync(opened));
  return opened;
}

/** A file system that has hardly any room, and none at all after a few lines. */
async function fullDisk(): Promise<string> {
  const folder = temporaryFolder();
  const { code, stderr } = await run('mount', ['-t', 'tmpfs', '-o', 'size=64k', 'tmpfs', folder]);
  if (code !== 0) throw new Error(stderr);
  atEnd(() => run('umount', [folder]));
  const filler = descriptor(`${folder}/filler`);
  writeSync(filler, Buffer.alloc(32 * 1024));
  return `${folder}/log`;
}

export const logs: readonly Scenario[] = [
  {
    id: 'S18d',
    title: 'both logs on a disk that is full from the start (/dev/full)',
    hostile: ['K21'],
    run: (lab) => logInto(lab, () => descriptor('/dev/full')),
  },
  {
    id: 'S18t',
    title: 'both logs on a disk that fills up after some lines (tmpfs of 64 KiB)',
    root: true,
    run: async (lab) => {
      const file = await fullDisk();
      await logInto(lab, () => descriptor(file));
    },
  },
  {
    id: 'S18s',
    title: 'both logs into a pipe whose reader never reads',
    run: (lab) => logInto(lab, () => 'unread'),
  },
  {
    id: 'S18g',
    title: 'both logs into a pipe whose reader goes away',
    run: (lab) =>
      logInto(
        lab,
        () => 'unread',
        (program) => program.child.stderr?.destroy(),
      ),
  },
];
