import {
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { isInstalled } from 'wsproxy-test-support/programs/installed';
import { type Ended, Program, run } from 'wsproxy-test-support/programs/program';
import { skipUnlessInstalled } from 'wsproxy-test-support/programs/skip-unless-installed';
import { temporaryFolder } from 'wsproxy-test-support/temporary-folder';
import { packForLinux } from '../../scripts/packages/linux-packages.js';
import { hostPlatform } from '../../scripts/packages/node-binary.js';
import { built, PROGRAM_KINDS, ROOT } from './built.js';

const TOOLS = ['nfpm', 'mmdebstrap', 'dpkg', 'rpm', 'mandoc', 'systemd-analyze'];
/** To make a Debian, and packages. */
const PATIENCE = 300_000;
const { version } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as { version: string };
const folder = mkdtempSync(join(tmpdir(), 'wsproxy-linux-'));
/** A Debian with what is essential and no more, and so without Node. */
const machine = join(folder, 'machine');
const arm = process.arch === 'arm64';

let making: Promise<Ended>;
beforeAll(() => {
  if (!TOOLS.every(isInstalled)) return;
  // While the packages are built.
  making = run('mmdebstrap', ['--variant=essential', '--include=libstdc++6,passwd', 'bookworm', machine], {
    timeout: PATIENCE,
  });
});
const packages = built(PROGRAM_KINDS);
beforeAll(async () => {
  if (!TOOLS.every(isInstalled)) return;
  const { code, stderr } = await making;
  if (code !== 0) throw new Error(`mmdebstrap: ${stderr}`);
  for (const name of ['wsproxy-client', 'wsproxy-server']) {
    copyFileSync(deb(name), join(machine, `${name}.deb`));
    copyFileSync(rpm(name), join(machine, `${name}.rpm`));
  }
}, PATIENCE);
afterAll(() => rmSync(folder, { recursive: true }));

function deb(name: string): string {
  return join(packages, `${name}_${version}_${arm ? 'arm64' : 'amd64'}.deb`);
}

function rpm(name: string): string {
  return join(packages, `${name}-${version}-1.${arm ? 'aarch64' : 'x86_64'}.rpm`);
}

/** In the Debian. */
async function there(...command: string[]): Promise<string> {
  const ended = await run('chroot', [machine, ...command], { timeout: 120_000 });
  return expectOk(ended, command.join(' '));
}

function expectOk({ code, stdout, stderr }: Ended, what: string): string {
  expect(code, `${what}: ${stdout}${stderr}`).toBe(0);
  return stdout;
}

/** Installed, the server runs with its settings as they come, and what belongs to the system is where the system looks. */
async function expectInstalled(): Promise<void> {
  for (const [program, page] of [
    ['wsproxy-client', 'man1/wsproxy-client.1'],
    ['wsproxy-server', 'man8/wsproxy-server.8'],
  ] as const) {
    expect(await there(program, '--version')).toBe(`${version}\n`);
    for (const file of [
      `man/${page}`,
      `man/zh_CN/${page}`,
      `bash-completion/completions/${program}`,
      `doc/${program}/copyright`,
    ])
      expect(existsSync(join(machine, 'usr/share', file)), file).toBe(true);
  }
  const gid = Number(/^wsproxy:[^:]*:(\d+):/m.exec(readFileSync(join(machine, 'etc/group'), 'utf8'))?.[1]);
  for (const [path, mode] of [
    ['etc/wsproxy', 0o750],
    ['etc/wsproxy/server.yaml', 0o640],
  ] as const) {
    const about = statSync(join(machine, path));
    expect([about.uid, about.gid, about.mode & 0o777]).toEqual([0, gid, mode]);
  }
  // The settings that the package has brought are nobody's yet.
  const said = await there('wsproxy-server', 'init', '--host-name', 'gw.example.net', '--front', 'caddy');
  expect(said).toMatch(/^ {2}wss:\/\/gw\.example\.net\/tunnel#[\w-]{43}$/m);
  expect(await there('wsproxy-server', 'config', 'check', '/etc/wsproxy/server.yaml')).toContain('no mistake');
  const words = [
    'wsproxy-server',
    '--config',
    '/etc/wsproxy/server.yaml',
    '--listen',
    '127.0.0.1:0',
    '--log-format',
    'json',
  ];
  const server = new Program('chroot', [machine, ...words]);
  await server.untilStderr(/"listen":"127.0.0.1:\d+"[^\n]*"path":"\/tunnel"[^\n]*"ready"/);
  server.signal('SIGTERM');
  expect(await server.ended).toMatchObject({ code: 0 });
}

/** Writes all that `init` can write there. */
async function initEverything(): Promise<void> {
  const systemd = join(machine, 'run/systemd/system');
  mkdirSync(systemd, { recursive: true });
  for (const words of [['nginx'], ['haproxy'], ['caddy', '--user', 'alice'], ['none', '--user', 'bob'], ['caddy']])
    await there('wsproxy-server', 'init', '--force', '--host-name', 'gw.example.net', '--front', ...words);
  rmSync(join(systemd, '..'), { recursive: true });
}

describe('the packages for Linux', { timeout: PATIENCE }, () => {
  for (const tool of TOOLS) skipUnlessInstalled(tool);

  test('are installed by dpkg where there is no Node, keep changed settings, and are purged with all that init has written', async () => {
    await there('dpkg', '--install', '/wsproxy-client.deb', '/wsproxy-server.deb');
    await expectInstalled();
    const settings = join(machine, 'etc/wsproxy/server.yaml');
    writeFileSync(settings, `${readFileSync(settings, 'utf8')}grace: 5m\n`);
    await there('dpkg', '--install', '/wsproxy-server.deb');
    expect(readFileSync(settings, 'utf8')).toContain('grace: 5m');
    // Its owner keeps them elsewhere.
    rmSync(settings);
    await there('dpkg', '--install', '/wsproxy-server.deb');
    expect(await there('dpkg', '--audit')).toBe('');
    expect(existsSync(settings)).toBe(false);
    await initEverything();
    const etc = join(machine, 'etc/wsproxy');
    const secrets = ['token', 'users.yaml'];
    const fronts = ['Caddyfile', 'nginx.conf', 'haproxy.cfg', 'certbot-hook.sh'];
    expect(readdirSync(etc)).toEqual(expect.arrayContaining([...secrets, ...fronts, 'server.yaml.old.2']));
    await there('dpkg', '--remove', 'wsproxy-client', 'wsproxy-server');
    expect(existsSync(join(machine, 'usr/bin/wsproxy-server'))).toBe(false);
    expect(readdirSync(etc)).toEqual(expect.arrayContaining(['token', 'server.yaml']));
    await there('dpkg', '--purge', 'wsproxy-client', 'wsproxy-server');
    expect(existsSync(etc)).toBe(false);
    expect(existsSync(join(machine, 'etc/systemd/system/wsproxy-server.socket'))).toBe(false);
  });

  test("leave to a purge neither a user's certificates nor the units of another installation", async () => {
    await there('dpkg', '--install', '/wsproxy-server.deb');
    const kept = [
      'wsproxy/privkey.pem',
      'systemd/system/wsproxy-server.service',
      'systemd/system/wsproxy-server.socket',
    ];
    const files = kept.map((name) => join(machine, 'etc', name));
    for (const file of files) writeFileSync(file, '');
    await there('dpkg', '--purge', 'wsproxy-server');
    expect(readdirSync(join(machine, 'etc/wsproxy'))).toEqual(['privkey.pem']);
    expect(files.filter((file) => !existsSync(file))).toEqual([]);
    for (const file of files) rmSync(file);
    rmSync(join(machine, 'etc/wsproxy'), { recursive: true });
  });

  test('are installed and removed where systemd cannot be reached', async () => {
    mkdirSync(join(machine, 'run/systemd/system'), { recursive: true });
    const systemctl = join(machine, 'usr/bin/systemctl');
    writeFileSync(systemctl, '#!/bin/sh\necho "$@" >> /asked\nexit 1\n', { mode: 0o755 });
    await there('dpkg', '--install', '/wsproxy-server.deb');
    await there('dpkg', '--purge', 'wsproxy-server');
    for (const path of [systemctl, join(machine, 'run/systemd')]) rmSync(path, { recursive: true });
    // Once more for what a purge takes away.
    const disable = 'disable --now wsproxy-server.service wsproxy-server.socket';
    expect(readFileSync(join(machine, 'asked'), 'utf8')).toBe(
      `daemon-reload\n${disable}\n${'daemon-reload\n'.repeat(2)}`,
    );
  });

  test('are installed and removed by rpm too', async () => {
    const at = ['--root', machine, '--dbpath', '/var/lib/rpm'];
    // This machine came by dpkg: rpm knows nothing of what it has.
    const files = ['wsproxy-client', 'wsproxy-server'].map((name) => join(machine, `${name}.rpm`));
    expectOk(await run('rpm', [...at, '--nodeps', '--install', ...files], { timeout: 120_000 }), 'rpm');
    await expectInstalled();
    const settings = join(machine, 'etc/wsproxy/server.yaml');
    writeFileSync(settings, `${readFileSync(settings, 'utf8')}grace: 5m\n`);
    expectOk(await run('rpm', [...at, '--erase', 'wsproxy-client', 'wsproxy-server'], { timeout: 120_000 }), 'rpm');
    expect(existsSync(join(machine, 'usr/bin/wsproxy-server'))).toBe(false);
    // rpm has no purge: it keeps what is not its own, and settings that somebody has changed.
    expect(readdirSync(join(machine, 'etc/wsproxy')).sort()).toEqual(['Caddyfile', 'server.yaml.rpmsave', 'token']);
  });

  test('are the same, byte for byte, when they are made of the same files, with any umask', async () => {
    const former = process.umask();
    onTestFinished(() => void process.umask(former));
    const bytes = [0o077, 0o022].map((umask) => {
      process.umask(umask);
      const name = umask.toString(8);
      const stage = join(folder, name);
      mkdirSync(stage);
      for (const file of ['program', 'notices']) writeFileSync(join(stage, file), file);
      const [program, platform] = ['wsproxy-server', 'linux-arm64'] as const;
      const executable = { program, platform, path: join(stage, 'program'), notices: join(stage, 'notices') };
      const date = new Date(1_700_000_000_000);
      const texts = { man: '.TH A 8', 'man-zh': '.TH A 8', bash: 'a', zsh: 'b', fish: 'c' };
      const made = packForLinux({ executable, texts, version, date, stage: join(stage, 'linux'), folder: stage });
      expect(made.map((file) => basename(file))).toEqual([
        `wsproxy-server_${version}_arm64.deb`,
        `wsproxy-server-${version}-1.aarch64.rpm`,
      ]);
      return made.map((file) => readFileSync(file));
    });
    expect(bytes[0]?.map((file, index) => file.equals(bytes[1]?.[index] ?? Buffer.alloc(0)))).toEqual([true, true]);
    const made = join(folder, '77', `wsproxy-server_${version}_arm64.deb`);
    const list = expectOk(await run('dpkg-deb', ['--contents', made]), 'dpkg-deb')
      .trim()
      .split('\n');
    const modes = list.map((line) => line.replace(/^(\S+) .* \.\/(.*)$/, '$2 $1'));
    const open = modes.filter((line) => !/^etc\/wsproxy\/?|^usr\/bin\/wsproxy-server /.test(line));
    expect(modes).toEqual(
      expect.arrayContaining([
        'etc/wsproxy/ drwxr-x---',
        'etc/wsproxy/server.yaml -rw-r-----',
        'usr/bin/wsproxy-server -rwxr-xr-x',
      ]),
    );
    expect(open.length).toBeGreaterThan(5);
    expect(open.filter((line) => !/\/ drwxr-xr-x$|[^/] -rw-r--r--$/.test(line) && line !== ' drwxr-xr-x')).toEqual([]);
  });

  test('ask for what the executables need', async () => {
    const { stdout: needs } = await run('dpkg-deb', ['--field', deb('wsproxy-server'), 'Depends']);
    expect(needs.trim()).toBe('libc6 (>= 2.28), libstdc++6, passwd');
    const { stdout: requires } = await run('rpm', ['--query', '--requires', '--package', rpm('wsproxy-server')]);
    expect(requires).toMatch(/^glibc >= 2\.28\nlibstdc\+\+\nshadow-utils\n/);
  });

  test('hold units that systemd takes', async () => {
    for (const [program, place] of [
      ['wsproxy-server', 'system'],
      ['wsproxy-client', 'user'],
    ] as const) {
      const stage = join(packages, 'build', hostPlatform(), program);
      const unit = readFileSync(join(stage, 'linux', `${program}.service`), 'utf8');
      expect(unit).toContain(`\nExecStart=/usr/bin/${program}`);
      const copy = join(temporaryFolder(), `${program}.service`);
      writeFileSync(copy, unit.replace(`/usr/bin/${program}`, join(stage, program)));
      const env = { XDG_RUNTIME_DIR: temporaryFolder() };
      const verified = await run('systemd-analyze', [`--${place}`, 'verify', '--man=no', copy], { env });
      expect(verified).toMatchObject({ code: 0, stdout: '', stderr: '' });
    }
  });

  test.each(['wsproxy-client/linux/wsproxy-client.1', 'wsproxy-server/linux/wsproxy-server.8'])(
    'hold a manual page that man shows: %s',
    async (page) => {
      const file = join(packages, 'build', hostPlatform(), page);
      const shown = await run('mandoc', ['-T', 'lint', '-W', 'warning', file]);
      expect(shown).toMatchObject({ code: 0, stdout: '', stderr: '' });
      const text = expectOk(await run('mandoc', ['-T', 'utf8', file]), 'mandoc').replaceAll(/.\x08/g, '');
      const chinese = file.replace(/(?=wsproxy-\w+\.\d$)/, 'zh_CN.');
      const linted = await run('mandoc', ['-T', 'lint', '-W', 'warning', chinese]);
      expect(linted).toMatchObject({ code: 0, stdout: '', stderr: '' });
      expect(expectOk(await run('mandoc', ['-T', 'utf8', chinese]), 'mandoc')).toContain('退出码：0');
      for (const word of ['NAME', 'OPTIONS', '--token-file <file>', '--log-level <level>', 'EXAMPLES', 'Exit codes: 0'])
        expect(text).toContain(word);
    },
  );
});
