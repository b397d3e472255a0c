import { createHash } from 'node:crypto';
import { chmodSync, chownSync, mkdirSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { readyPort, scriptOf, TOKEN } from 'wsproxy-test-support/programs/command-line';
import { Program } from 'wsproxy-test-support/programs/program';
import { skipUnlessInstalled } from 'wsproxy-test-support/programs/skip-unless-installed';
import { temporaryFolder } from 'wsproxy-test-support/temporary-folder';
import { until } from 'wsproxy-test-support/until';
import { requestUpgrade } from 'wsproxy-test-support/wire/raw-websocket';

const NEW = 'another-token-for-tests-0123456789-0123456789';
/** The program, and the group that systemd gives it besides (SupplementaryGroups): numbers that nobody has here. */
const [USER, GROUP] = [61_234, 61_235];

/** How a file reaches a server that is not root, and how an operator changes it. */
interface Way {
  /** Makes it in a folder of root's; returns its path for the server. */
  make(folder: string, name: string, content: string): string;
  change(folder: string, name: string, content: string): void;
  /** What is sent after a change, if anything: without it the file is looked at. */
  readonly signal?: NodeJS.Signals;
}

function write(path: string, content: string, mode: number, uid: number, gid: number): void {
  writeFileSync(path, content);
  chmodSync(path, mode);
  chownSync(path, uid, gid);
}

/** What the kubelet's atomic writer makes of a secret: a folder for each generation, and links by way of `..data`. */
function generation(volume: string, name: string, content: string, number: number): void {
  const folder = `..2026_11_26_22_45_5${number}.1234567890`;
  mkdirSync(join(volume, folder));
  chownSync(join(volume, folder), 0, USER);
  chmodSync(join(volume, folder), 0o2755);
  write(join(volume, folder, name), content, 0o440, 0, USER);
  symlinkSync(folder, join(volume, '..data_tmp'));
  renameSync(join(volume, '..data_tmp'), join(volume, '..data'));
}

const WAYS: Readonly<Record<string, Way>> = {
  'the systemd unit: of root and the group wsproxy, and a reload': {
    make(folder, name, content) {
      const etc = join(folder, 'etc');
      mkdirSync(etc);
      chownSync(etc, 0, GROUP);
      chmodSync(etc, 0o750);
      write(join(etc, name), content, 0o640, 0, GROUP);
      return join(etc, name);
    },
    // As `>>` and most editors do.
    change: (folder, name, content) => writeFileSync(join(folder, 'etc', name), content),
    signal: 'SIGHUP',
  },
  'compose: of the user in the container, exchanged by another file': {
    make(folder, name, content) {
      const mounted = join(folder, 'wsproxy');
      mkdirSync(mounted);
      chownSync(mounted, USER, USER);
      chmodSync(mounted, 0o700);
      write(join(mounted, name), content, 0o400, USER, USER);
      return join(mounted, name);
    },
    change(folder, name, content) {
      const path = join(folder, 'wsproxy', name);
      write(`${path}.new`, content, 0o400, USER, USER);
      renameSync(`${path}.new`, path);
    },
  },
  'Kubernetes: links to what the kubelet exchanges': {
    make(folder, name, content) {
      const volume = join(folder, 'volume');
      mkdirSync(volume);
      chmodSync(volume, 0o1777);
      generation(volume, name, content, 0);
      symlinkSync(join('..data', name), join(volume, name));
      return join(volume, name);
    },
    change(folder, name, content) {
      const volume = join(folder, 'volume');
      generation(volume, name, content, 1);
      rmSync(join(volume, '..2026_11_26_22_45_50.1234567890'), { recursive: true });
    },
  },
};

const digest = (token: string) => `"sha256:${createHash('sha256').update(token).digest('hex')}"`;
const tokens = (...all: string[]) => all.map((token) => `{ token: ${digest(token)} }`).join();

/** The two kinds of file, with one token and with two. */
const FILES = [
  ['--token-file', 'token', `${TOKEN}\n`, `${TOKEN}\n${NEW}\n`],
  ['--users', 'users.yaml', `- { id: a, token: ${digest(TOKEN)} }\n`, `- { id: a, tokens: [${tokens(TOKEN, NEW)}] }\n`],
] as const;

async function statusFor(port: number, token: string): Promise<number> {
  const { status, socket } = await requestUpgrade(port, { Authorization: `Bearer ${token}` });
  socket.destroy();
  return status;
}

/** The server as that user. */
function serve(args: readonly string[], folder: string): Program {
  const user = [`--reuid=${USER}`, `--regid=${USER}`, `--groups=${USER},${GROUP}`];
  const words = [scriptOf('wsproxy-server'), ...args, '--listen', '127.0.0.1:0', '--log-format', 'json'];
  return new Program('setpriv', [...user, process.execPath, ...words], { env: { HOME: folder } });
}

describe.each(Object.entries(WAYS))('a secret by the way of %s', (_name, way) => {
  skipUnlessInstalled('setpriv');

  test.runIf(process.getuid?.() === 0).each(FILES)(
    'is read by %s, and read again when it changes',
    async (flag, name, before, after) => {
      const folder = temporaryFolder();
      chmodSync(folder, 0o755);
      const program = serve([flag, way.make(folder, name, before)], folder);
      const port = await readyPort(program);
      expect([await statusFor(port, TOKEN), await statusFor(port, NEW)]).toEqual([101, 401]);
      way.change(folder, name, after);
      if (way.signal !== undefined) program.signal(way.signal);
      await until('the new token lets in', async () => (await statusFor(port, NEW)) === 101, 10_000);
      expect(await statusFor(port, TOKEN)).toBe(101);
      await program.untilStderr(/"tokens":2[^\n]*users reloaded/);
      program.signal('SIGTERM');
      expect(await program.ended).toMatchObject({ code: 0 });
    },
  );
});

describe("a secret of Docker's swarm", () => {
  skipUnlessInstalled('setpriv');
  skipUnlessInstalled('unshare');

  test('is read where all who are in the container could read it', async (context) => {
    if (process.getuid?.() !== 0) context.skip('skipped: only root can hand over such a file');
    const folder = temporaryFolder();
    chmodSync(folder, 0o755);
    const script = `set -e
      mount -t tmpfs none /run && mkdir /run/secrets && touch /run/.containerenv
      printf '%s\\n' "$TOKEN" > /run/secrets/token && chmod 444 /run/secrets/token
      exec setpriv --reuid=${USER} --regid=${USER} --clear-groups "$@"`;
    const server = [process.execPath, scriptOf('wsproxy-server'), '--token-file', '/run/secrets/token'];
    const words = ['--mount', 'sh', '-c', script, 'sh', ...server, '--listen', '127.0.0.1:0', '--log-format', 'json'];
    const program = new Program('unshare', words, { env: { HOME: folder, TOKEN } });
    const port = await readyPort(program);
    expect([await statusFor(port, TOKEN), await statusFor(port, NEW)]).toEqual([101, 401]);
  });
});
