import { mkdirSync, writeFileSync } from 'node:fs';
import { userInfo } from 'node:os';
import { join } from 'node:path';
import { Program, run } from '../programs/program.js';
import { untilAnswers } from '../programs/until-answers.js';
import { freePort } from '../sockets/listen.js';
import { temporaryFolder } from '../temporary-folder.js';

export const SSHD = '/usr/sbin/sshd';

export interface Sshd {
  readonly folder: string;
  readonly port: number;
  /** The options with which `ssh` gets in, at its own port or another that leads there. */
  options(port?: number): string[];
}

/** A real sshd on a free port, with a key of its own for the user who runs the tests. With `password` (by root alone) that opens it too. */
export async function startSshd({ password }: { readonly password?: string } = {}): Promise<Sshd> {
  const [folder, own] = [temporaryFolder(), await freePort()];
  for (const name of ['host', 'user']) {
    await run('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-f', join(folder, name)]);
  }
  const config = join(folder, 'sshd_config');
  const lines = [
    `Port ${own}`,
    'ListenAddress 127.0.0.1',
    `HostKey ${join(folder, 'host')}`,
    `AuthorizedKeysFile ${join(folder, 'user.pub')}`,
    `PidFile ${join(folder, 'pid')}`,
    'StrictModes no',
    'UsePAM no',
    ...(password === undefined ? [] : ['PermitRootLogin yes']),
    // Tests begin many at once.
    'MaxStartups 200',
    'Subsystem sftp internal-sftp',
    // What the shell of anyone who runs the tests does and says as it starts is not what they are about.
    `SetEnv HOME=${folder}`,
  ];
  writeFileSync(config, `${lines.join('\n')}\n`);
  // Where sshd runs as root it wants this folder.
  if (process.getuid?.() === 0) mkdirSync('/run/sshd', { recursive: true });
  const words = [SSHD, '-D', '-e', '-f', config];
  const [command = '', ...args] = password === undefined ? words : await withPassword(password, folder, words);
  await untilAnswers(new Program(command, args), own);
  const options = (port: number = own) => {
    const settings = [
      ['IdentityFile', join(folder, 'user')],
      ['IdentitiesOnly', 'yes'],
      ['UserKnownHostsFile', '/dev/null'],
      ['StrictHostKeyChecking', 'no'],
      ['LogLevel', 'ERROR'],
      ['BatchMode', 'yes'],
      ['Port', String(port)],
      ['User', userInfo().username],
    ];
    return ['-F', '/dev/null', ...settings.flatMap(([name, value]) => ['-o', `${name}=${value}`])];
  };
  return { folder, port: own, options };
}

/** The words of a program for which the user who runs the tests has this password: for it alone, in a namespace of its own. */
async function withPassword(password: string, folder: string, words: readonly string[]): Promise<string[]> {
  const { stdout } = await run('openssl', ['passwd', '-6', password]);
  const shadow = join(folder, 'shadow');
  writeFileSync(shadow, `${userInfo().username}:${stdout.trim()}:19000:0:99999:7:::\n`, { mode: 0o600 });
  return ['unshare', '--mount', 'sh', '-c', 'mount --bind "$0" /etc/shadow && exec "$@"', shadow, ...words];
}
