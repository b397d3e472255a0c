import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { SSHD, startSshd } from 'wsproxy-test-support/destinations/sshd';
import { keystreamBytes, sha256OfFile, sha256OfKeystream } from 'wsproxy-test-support/keystream';
import { launch, shellLine, TOKEN } from 'wsproxy-test-support/programs/command-line';
import { run } from 'wsproxy-test-support/programs/program';
import { skipUnlessInstalled } from 'wsproxy-test-support/programs/skip-unless-installed';
import { startTunnel } from 'wsproxy-test-support/tunnel';

const LENGTH = 5_000_000;

describe.each(['-W', '-W --control', 'SOCKS5'])('through %s', (way) => {
  skipUnlessInstalled(SSHD);
  skipUnlessInstalled('nc');
  skipUnlessInstalled('git');

  test('ssh, scp and git clone work with a real sshd', async () => {
    const [{ url, port }, { folder, options }] = await Promise.all([startTunnel(), startSshd()]);
    const control = join(folder, 'control');
    if (way === '-W --control') {
      const client = launch('wsproxy-client', [url, '--control', control, '--log-format', 'json']);
      await client.untilStderr(/"ready"/);
    }
    const lines: Record<string, string> = {
      '-W': shellLine('wsproxy-client', [url, '-W', '%h:%p']),
      '-W --control': shellLine('wsproxy-client', ['-W', '%h:%p', '--control', control]),
      SOCKS5: `nc -X 5 -x 127.0.0.1:${port} %h %p`,
    };
    const line = lines[way];
    const all = [...options(), '-o', `ProxyCommand=${line}`];
    const env = { WSPROXY_TOKEN: TOKEN };

    const said = await run('ssh', [...all, '127.0.0.1', 'cat; exit 7'], { input: 'hello', env });
    expect(said).toEqual({ code: 7, signal: null, stdout: 'hello', stderr: '' });

    const [source, copy] = [join(folder, 'source'), join(folder, 'copy')];
    writeFileSync(source, keystreamBytes('scp', LENGTH));
    const copied = await run('scp', ['-q', ...all, source, `127.0.0.1:${copy}`], { env });
    expect(copied).toMatchObject({ code: 0, stderr: '' });
    expect(await sha256OfFile(copy)).toBe(await sha256OfKeystream('scp', LENGTH));

    const ssh = ['ssh', ...all].map((word) => `"${word}"`).join(' ');
    const work = join(folder, 'work');
    const git = (...args: string[]) =>
      run('git', ['-c', 'user.name=tester', '-c', 'user.email=tester@localhost', '-c', 'safe.directory=*', ...args], {
        env: { ...env, GIT_SSH_COMMAND: ssh, GIT_CONFIG_GLOBAL: '/dev/null' },
      });
    await git('init', '-q', work);
    writeFileSync(join(work, 'large'), keystreamBytes('git', LENGTH));
    await git('-C', work, 'add', '.');
    await git('-C', work, 'commit', '-q', '-m', 'first');
    const clone = join(folder, 'clone');
    expect(await git('clone', '-q', `ssh://127.0.0.1${work}`, clone)).toMatchObject({ code: 0, stderr: '' });
    expect(await sha256OfFile(join(clone, 'large'))).toBe(await sha256OfKeystream('git', LENGTH));
  });
});
