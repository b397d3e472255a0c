import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import { run } from 'wsproxy-test-support/programs/program';
import { skipUnlessInstalled } from 'wsproxy-test-support/programs/skip-unless-installed';
import { temporaryFolder } from 'wsproxy-test-support/temporary-folder';

const here = (path: string) => fileURLToPath(new URL(path, import.meta.url));
const FILES = { 'resolv.conf': '', 'nsswitch.conf': 'hosts: files dns\n', hosts: '127.0.0.1 localhost\n' };

/** Runs `command` on a machine of its own, where these files of the system are those in `folder`. */
function onMachineWith(folder: string, command: readonly string[]) {
  for (const [file, text] of Object.entries(FILES)) writeFileSync(join(folder, file), text);
  const mounts = Object.keys(FILES).map((file) => `mount --bind "$0/${file}" /etc/${file}`);
  const script = `ip link set lo up && ${mounts.join(' && ')} && exec "$@"`;
  return run('unshare', ['-rmn', 'sh', '-c', script, folder, ...command], {
    cwd: here('../..'),
    env: { LD_LIBRARY_PATH: folder },
    timeout: 60_000,
  });
}

describe('names', () => {
  for (const program of ['unshare', 'ip', 'gcc']) skipUnlessInstalled(program);

  test('are found as getaddrinfo finds them, and as its files say now', { timeout: 90_000 }, async (context) => {
    const folder = temporaryFolder();
    const attempt = await onMachineWith(folder, ['true']);
    if (attempt.code !== 0) context.skip(`skipped: no namespaces of its own: ${attempt.stderr.trim()}`);
    const library = ['-shared', '-fPIC', '-o', join(folder, 'libnss_module.so.2'), here('module.c')];
    expect(await run('gcc', library)).toMatchObject({ code: 0 });

    const command = [process.execPath, '--import', 'tsx', here('inside.ts'), folder];
    const { code, stdout, stderr } = await onMachineWith(folder, command);
    expect(code, stderr).toBe(0);
    const { told, before, after }: Told = JSON.parse(stdout);
    expect(told.length).toBe(570);
    expect(told.filter(({ theirs }) => theirs !== 'none').length).toBeGreaterThan(100);
    expect(told.filter(({ ours, theirs }) => ours !== theirs)).toEqual([]);
    expect(before).toEqual(['none', 'none', 'none', 'none']);
    expect(after).toEqual(['192.0.2.3', '192.0.2.8', '192.0.2.7', '192.0.2.9']);
  });
});

interface Told {
  readonly told: readonly {
    readonly config: string;
    readonly name: string;
    readonly ours: string;
    readonly theirs: string;
  }[];
  readonly before: readonly string[];
  readonly after: readonly string[];
}
