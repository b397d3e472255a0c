import { fileURLToPath } from 'node:url';
import { Program } from './program.js';

const SCRIPT = fileURLToPath(new URL('./crowd-of-strangers.mjs', import.meta.url));

/**
 * Starts `count` strangers of a kind that `crowd-of-strangers.mjs` knows, in a process of their own. Resolves with what
 * ends them, and tells how many connections they have made.
 */
export async function startCrowd(
  kind: string,
  port: number,
  count: number,
  more: readonly string[] = [],
): Promise<() => Promise<number>> {
  const crowd = new Program(process.execPath, [SCRIPT, kind, String(port), String(count), ...more], { input: 'open' });
  await crowd.untilStdout(/here/);
  return async () => {
    crowd.child.stdin?.end();
    const { stdout } = await crowd.ended;
    return Number(/(\d+) connections/.exec(stdout)?.[1]);
  };
}
