import { cpSync, mkdirSync, realpathSync, symlinkSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { atEnd } from 'wsproxy-test-support/cleanup/at-end';
import { Program, run } from 'wsproxy-test-support/programs/program';
import { untilAnswers } from 'wsproxy-test-support/programs/until-answers';
import { temporaryFolder } from 'wsproxy-test-support/temporary-folder';
import { until } from 'wsproxy-test-support/until';

/**
 * crun refuses a machine that has controllers of cgroups of both versions (crun 1.8: "cgroups in hybrid mode not supported").
 * The containers need none of them, so they see but one version.
 */
const OWN_CGROUPS = ['--mount', 'sh', '-c', 'umount /sys/fs/cgroup/unified 2>/dev/null; exec "$@"', 'sh'];
/** No more than anybody may have: neither cgroups, nor a network, nor higher limits. */
const MODEST = ['--cgroups=disabled', '--network=none', '--ulimit=nofile=1024:1024', '--ulimit=nproc=1024:1024'];
/** What is in the containers. */
const PROGRAMS = ['dash', 'cat', 'sleep', 'stty', 'seq'];
const TIMEOUT = 60_000;

/** A real container engine without any container yet, and its Docker Engine API. */
export async function startPodman() {
  const folder = temporaryFolder();
  const place = ['--root', join(folder, 'root'), '--runroot', join(folder, 'run'), '--tmpdir', join(folder, 'tmp')];
  const ways = ['--storage-driver=vfs', '--cgroup-manager=cgroupfs', '--events-backend=file'];
  const words = (...rest: string[]) => [...OWN_CGROUPS, 'podman', ...place, ...ways, ...rest];
  const podman = async (...rest: string[]): Promise<string> => {
    const { code, stdout, stderr } = await run('unshare', words(...rest), { timeout: TIMEOUT });
    if (code !== 0) throw new Error(`podman ${rest.join(' ')}: ${stderr}`);
    return stdout.trim();
  };
  atEnd(async () => {
    await podman('rm', '--force', '--all', '--time=0');
    // A process stays behind each command that has run, to clean up in the folder, for five minutes behind `exec`.
    await until('nothing is left behind the containers', async () => {
      const { stdout } = await run('pgrep', ['-f', folder]);
      const left = stdout.split('\n').filter(Boolean);
      await run('kill', ['-s', 'KILL', ...left]);
      return left.length === 0;
    });
  });
  const image = join(folder, 'image');
  await makeImage(image);
  await run('tar', ['-C', image, '-cf', `${image}.tar`, '.']);
  await podman('import', `${image}.tar`, 'programs');
  const socket = join(folder, 'api.sock');
  const service = new Program('unshare', words('system', 'service', '--time=0', `unix://${socket}`));
  await untilAnswers(service, socket);
  /** Starts a container, and gives its id. */
  const start = (name: string, options: readonly string[], ...command: string[]): Promise<string> =>
    podman('run', '--detach', '--name', name, ...MODEST, ...options, 'programs', ...command);
  return { socket, start };
}

/** Programs of this machine, and the libraries that they need. */
async function makeImage(folder: string): Promise<void> {
  for (const name of ['bin', 'dev', 'etc', 'proc', 'sys', 'tmp']) mkdirSync(join(folder, name), { recursive: true });
  for (const name of PROGRAMS) {
    const path = realpathSync((await run('sh', ['-c', `command -v ${name}`])).stdout.trim());
    cpSync(path, join(folder, 'bin', name));
    const { stdout } = await run('ldd', [path]);
    for (const [library] of stdout.matchAll(/\/lib\S+/g)) {
      mkdirSync(join(folder, dirname(library)), { recursive: true });
      cpSync(realpathSync(library), join(folder, library));
    }
  }
  symlinkSync('dash', join(folder, 'bin/sh'));
}
