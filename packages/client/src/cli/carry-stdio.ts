import type { Duplex } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { ExitCode, ExitError, onTermination, standardOutput } from 'wsproxy-cli/process';

/**
 * Joins standard input and output of `program` with a stream to `target`. Resolves when both directions have ended, or by a
 * signal; rejects with ExitError.
 */
export async function carryStdio(stream: Duplex, target: string, program: NodeJS.Process): Promise<void> {
  const stopped = new Promise((resolve) => {
    onTermination(resolve);
    program.once('SIGHUP', resolve);
  });
  const carrying = [pipeline(program.stdin, stream), pipeline(stream, standardOutput())];
  await Promise.race([stopped, asCarried(target, Promise.all(carrying))]);
  stream.destroy();
}

/** What `-W` tells its user of a connection to `target` that has failed. */
export async function asCarried(target: string, carrying: Promise<unknown>): Promise<void> {
  try {
    await carrying;
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    const text = code === 'EPIPE' ? 'nobody reads standard output any more' : message;
    throw new ExitError(ExitCode.failed, `${target}: ${text}`, { cause: error });
  }
}
