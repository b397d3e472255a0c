import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { startGitServer } from 'wsproxy-test-support/destinations/git-server';
import { keystreamBytes } from 'wsproxy-test-support/keystream';
import { run } from 'wsproxy-test-support/programs/program';
import { skipUnlessInstalled } from 'wsproxy-test-support/programs/skip-unless-installed';
import { temporaryFolder } from 'wsproxy-test-support/temporary-folder';
import { startTunnel } from 'wsproxy-test-support/tunnel';

const FILES = 100;
const LARGE_FILE = 4 * 1024 * 1024;
const IDENTITY = ['-c', 'user.name=tester', '-c', 'user.email=tester@localhost'];

async function git(cwd: string, ...args: string[]): Promise<string> {
  // The configuration of anyone who runs the tests must not count, above all not a proxy.
  const env = { GIT_CONFIG_GLOBAL: '/dev/null', GIT_CONFIG_SYSTEM: '/dev/null', GIT_TERMINAL_PROMPT: '0' };
  const { code, stdout, stderr } = await run('git', [...IDENTITY, ...args], { cwd, env });
  if (code !== 0) throw new Error(`git ${args.join(' ')}: ${stderr}`);
  return stdout;
}

/** A bare repository with some small files and a large one that does not compress. */
async function createRepository(folder: string): Promise<string> {
  const work = join(folder, 'work');
  mkdirSync(work);
  await git(work, 'init', '--quiet', '--initial-branch=main');
  for (let i = 0; i < FILES; i++) writeFileSync(join(work, `file-${i}`), `content of ${i}\n`.repeat(i));
  writeFileSync(join(work, 'large'), keystreamBytes('git', LARGE_FILE));
  await git(work, 'add', '.');
  await git(work, 'commit', '--quiet', '--message=first');
  await git(folder, 'clone', '--quiet', '--bare', work, 'project.git');
  await git(join(folder, 'project.git'), 'config', 'http.receivepack', 'true');
  return (await git(work, 'rev-parse', 'HEAD')).trim();
}

describe('git', () => {
  skipUnlessInstalled('git');

  test.each(['http', 'socks5h', 'socks4a'])('clones and pushes whole repositories over %s://', async (scheme) => {
    const folder = temporaryFolder();
    const head = await createRepository(folder);
    const [{ port }, server] = await Promise.all([startTunnel(), startGitServer(folder)]);
    const proxy = ['-c', `http.proxy=${scheme}://127.0.0.1:${port}`];
    const clone = join(folder, 'clone');

    await git(folder, ...proxy, 'clone', '--quiet', `http://localhost:${server.port}/project.git`, 'clone');
    expect(await git(clone, 'rev-parse', 'HEAD')).toBe(`${head}\n`);
    await git(clone, 'fsck', '--full', '--strict');

    writeFileSync(join(clone, 'large'), keystreamBytes('git push', LARGE_FILE));
    await git(clone, 'commit', '--quiet', '--all', '--message=second');
    await git(clone, ...proxy, 'push', '--quiet', 'origin', 'main');
    await git(join(folder, 'project.git'), 'fsck', '--full', '--strict');
    expect(await git(join(folder, 'project.git'), 'rev-parse', 'main')).toBe(await git(clone, 'rev-parse', 'HEAD'));
  });
});
