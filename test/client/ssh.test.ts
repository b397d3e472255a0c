import { mkdirSync, writeFileSync } from 'node:fs';
import { userInfo } from 'node:os';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { keystreamBytes, sha256OfFile, sha256OfKeystream } from 'wsproxy-test-support/keystream';
import { shellLine, TOKEN } from 'wsproxy-test-support/programs/command-line';
import { Program, run } from 'wsproxy-test-support/programs/program';
import { skipUnlessInstalled } from 'wsproxy-test-support/programs/skip-unless-installed';
import { connectTo } from 'wsproxy-test-support/sockets/application';
import { freePort } from 'wsproxy-test-support/sockets/listen';
import { temporaryFolder } from 'wsproxy-test-support/temporary-folder';
import { startTunnel } from 'wsproxy-test-support/tunnel';
import { until } from 'wsproxy-test-support/until';

const SSHD = '/usr/sbin/sshd';
const LENGTH = 5_000_000;

/** A real sshd on a free port, and the options with which ssh gets in. */
async function startSshd(): Promise<{ folder: string; port: number; options: string[] }> {
  const [folder, port] = [temporaryFolder(), await freePort()];
  for (const name of ['host', 'user']) {
    await run('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-f', join(folder, name)]);
  }
  const config = join(folder, 'sshd_config');
  const lines = [
    `Port ${port}`,
    'ListenAddress 127.0.0.1',
    `HostKey ${join(folder, 'host')}`,
    `AuthorizedKeysFile ${join(folder, 'user.pub')}`,
    `PidFile ${join(folder, 'pid')}`,
    'StrictModes no',
    'UsePAM no',
    'Subsystem sftp internal-sftp',
  ];
  writeFileSync(config, `${lines.join('\n')}\n`);
  // Where sshd runs as root it wants this folder.
  if (process.getuid?.() === 0) mkdirSync('/run/sshd', { recursive: true });
  new Program(SSHD, ['-D', '-e', '-f', config]);
  await until('sshd listens', async () =>
    connectTo(port).then(
      (socket) => {
        socket.destroy();
        return true;
      },
      () => false,
    ),
  );
  const options = [
    ['IdentityFile', join(folder, 'user')],
    ['IdentitiesOnly', 'yes'],
    ['UserKnownHostsFile', '/dev/null'],
    ['StrictHostKeyChecking', 'no'],
    ['LogLevel', 'ERROR'],
    ['BatchMode', 'yes'],
    ['Port', String(port)],
    ['User', userInfo().username],
  ].flatMap(([name, value]) => ['-o', `${name}=${value}`]);
  return { folder, port, options: ['-F', '/dev/null', ...options] };
}

describe.each(['-W', 'SOCKS5'])('through %s', (way) => {
  skipUnlessInstalled(SSHD);
  skipUnlessInstalled('nc');
  skipUnlessInstalled('git');

  test('ssh, scp and git clone work with a real sshd', async () => {
    const [{ url, port }, { folder, options }] = await Promise.all([startTunnel(), startSshd()]);
    const line =
      way === '-W' ? shellLine('wsproxy-client', [url, '-W', '%h:%p']) : `nc -X 5 -x 127.0.0.1:${port} %h %p`;
    const all = [...options, '-o', `ProxyCommand=${line}`];
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
