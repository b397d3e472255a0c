import { fileURLToPath } from 'node:url';
import type { TestContext } from 'vitest';
import { run } from './program.js';

/** What a namespace needs before anything can run there; /run is its own, for programs that have sockets there. */
const PREPARED = 'ip link set lo up && mount -t tmpfs tmpfs /run && exec "$@"';
/** Anything that was started there ends with the script, however that ends. */
const ALONE = ['-mnp', '--fork', '--kill-child', '--mount-proc'];
/** `root` alone, which everybody may have, or those of this machine, for a program that becomes another user: only for root. */
type Users = 'root' | 'all';
const ROOT = fileURLToPath(new URL('../../..', import.meta.url));

/**
 * Runs a script of TypeScript on a machine of its own, with an empty network and its own mounts, and gives the JSON that it
 * prints. Skips the test where nobody may have one.
 */
export async function runOnOwnMachine<T>(
  context: TestContext,
  script: URL,
  args: readonly string[] = [],
  timeout: number = 80_000,
  { users = 'root' }: { readonly users?: Users } = {},
): Promise<T> {
  const ownUsers = users === 'root' ? ['-r'] : [];
  const within = (command: readonly string[]) =>
    run('unshare', [...ownUsers, ...ALONE, 'sh', '-c', PREPARED, 'sh', ...command], { cwd: ROOT, timeout });
  const attempt = await within(['true']);
  if (attempt.code !== 0) context.skip(`skipped: no namespaces of its own: ${attempt.stderr.trim()}`);
  const { code, stdout, stderr } = await within([process.execPath, '--import', 'tsx', fileURLToPath(script), ...args]);
  if (code !== 0) throw new Error(`${script.pathname}: ${stderr}`);
  return JSON.parse(stdout);
}
