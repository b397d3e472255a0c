import { chownSync, cpSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { startEcho } from 'wsproxy-test-support/destinations/echo';
import { start, TOKEN } from 'wsproxy-test-support/programs/command-line';
import { Program, run } from 'wsproxy-test-support/programs/program';
import { skipUnlessInstalled } from 'wsproxy-test-support/programs/skip-unless-installed';
import { bySocks5, readBytes } from 'wsproxy-test-support/sockets/application';
import { temporaryFolder } from 'wsproxy-test-support/temporary-folder';
import { parse } from 'yaml';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const INSTALLED = '/opt/image';
/** Of all steps with nothing downloaded before, ms. */
const BUILD_TIME = 300_000;

/**
 * crun refuses a machine that has controllers of cgroups of both versions (crun 1.8: "cgroups in hybrid mode not supported").
 * The container needs none of them, so it sees but one version.
 */
const OWN_CGROUPS = ['--mount', 'sh', '-c', 'umount /sys/fs/cgroup/unified 2>/dev/null; exec "$@"', 'sh'];
/** No more than anybody may have: neither cgroups, nor a network, nor higher limits. */
const MODEST = ['--cgroups=disabled', '--network=host', '--ulimit=nofile=1024:1024', '--ulimit=nproc=1024:1024'];

const read = (file: string) => readFileSync(join(ROOT, file), 'utf8');

/** The Dockerfile, an instruction a line, in order. */
function instructions(): { name: string; rest: string }[] {
  const lines = read('deploy/Dockerfile').split('\n');
  const code = lines.filter((line) => line !== '' && !line.startsWith('#'));
  return code.map((line) => {
    const [, name = '', rest = ''] = /^([A-Z]+) (.+[^\\])$/.exec(line) ?? [];
    expect(name, line).not.toBe('');
    return { name, rest };
  });
}

function all(name: string): string[] {
  return instructions().flatMap((each) => (each.name === name ? [each.rest] : []));
}

/** What `COPY . .` would copy. */
function copyContext(to: string): void {
  const patterns = read('.dockerignore').trim().split('\n');
  const ignores = (path: string) =>
    patterns.some((pattern) => {
      const [name = ''] = pattern.split('**/').slice(-1);
      const subject = pattern.startsWith('**/') ? basename(path) : relative(ROOT, path);
      return name.startsWith('*') ? subject.endsWith(name.slice(1)) : subject === name;
    });
  for (const name of readdirSync(ROOT)) {
    const path = join(ROOT, name);
    if (!ignores(path)) cpSync(path, join(to, name), { recursive: true, filter: (source) => !ignores(source) });
  }
}

/** Where the steps of the Dockerfile have put what they make. */
const installed = mkdtempSync(join(tmpdir(), 'wsproxy-image-'));
const system = join(installed, 'build/image/root');
const words: string[] = [...all('ENTRYPOINT'), ...all('CMD')].flatMap((json) => JSON.parse(json));

function imageFile(): string {
  return join(installed, readdirSync(installed).find((name) => name.endsWith('.oci.tar')) ?? '');
}

beforeAll(async () => {
  const source = join(installed, 'src');
  copyContext(source);
  for (const command of all('RUN')) {
    // As a builder whose files are for nobody else: in the image they are for its user.
    const { code, stdout, stderr } = await run('sh', ['-c', `umask 077; ${command.replace(INSTALLED, installed)}`], {
      cwd: source,
      timeout: BUILD_TIME,
    });
    if (code !== 0) throw new Error(`${command}: ${stdout}${stderr}`);
  }
}, BUILD_TIME);
afterAll(() => rmSync(installed, { recursive: true, force: true }));

describe('the container image', { timeout: BUILD_TIME }, () => {
  test('is built by steps that give a working server, which needs no right and nothing that is not in it', async () => {
    const token = join(system, 'run/secrets/token');
    mkdirSync(join(token, '..'), { recursive: true });
    writeFileSync(token, TOKEN, { mode: 0o400 });
    chownSync(token, 1000, 1000);
    const args = words.map((word) => word.replace('0.0.0.0:8080', '127.0.0.1:0'));
    const server = new Program('chroot', [
      ...[`--userspec=${all('USER').join()}`, system, ...args],
      ...['--allow-private', '--log-format', 'json'],
    ]);
    const port = await server.untilStderr(/"listen":"127.0.0.1:(\d+)"[^\n]*"ready"/);
    const [client, echo] = await Promise.all([start('wsproxy-client', [`ws://127.0.0.1:${port}/tunnel`]), startEcho()]);
    const socket = await bySocks5(client.port, '127.0.0.1', echo.port);
    socket.end('hello');
    expect((await readBytes(socket, 5)).toString()).toBe('hello');
    server.signal('SIGTERM');
    expect(await server.ended).toMatchObject({ code: 0 });
  });

  test('is for its user, with any umask of its builder', async () => {
    const entries = new Map<string, string>();
    const layer = temporaryFolder();
    expect(await run('tar', ['xf', imageFile()], { cwd: layer })).toMatchObject({ code: 0 });
    for (const blob of readdirSync(join(layer, 'blobs/sha256'))) {
      const { code, stdout } = await run('tar', ['tvzf', join(layer, 'blobs/sha256', blob)]);
      if (code === 0)
        for (const line of stdout.trim().split('\n'))
          entries.set(line.split(' ').at(-1) ?? '', line.split(' ')[0] ?? '');
    }
    expect(entries.get('usr/bin/wsproxy-server')).toBe('-rwxr-xr-x');
    expect(entries.get('etc/passwd')).toBe('-rw-r--r--');
    expect(entries.get('tmp/')).toBe('drwxrwxrwt');
    const rest = [...entries].filter(
      ([path, mode]) => !/^(drwxr-xr-x|-rw-r--r--|-rwxr-xr-x)$/.test(mode) && path !== 'tmp/',
    );
    expect(rest).toEqual([]);
  });

  describe('as a file', () => {
    skipUnlessInstalled('buildah');

    test('is taken by a tool for images, which runs it', async () => {
      const store = temporaryFolder();
      const buildah = async (...command: string[]): Promise<string> => {
        const place = ['--root', join(store, 'root'), '--runroot', join(store, 'run'), '--storage-driver', 'vfs'];
        const { code, stdout, stderr } = await run('buildah', [...place, ...command], { timeout: 120_000 });
        expect(code, stderr).toBe(0);
        return stdout;
      };
      await buildah('from', '--name', 'it', `oci-archive:${imageFile()}`);
      const about = JSON.parse(await buildah('inspect', '--type', 'container', 'it')) as {
        OCIv1: { config: Record<string, unknown> };
      };
      expect(about.OCIv1.config).toMatchObject({ User: '1000:1000', ExposedPorts: { '8080/tcp': {} } });
      expect([about.OCIv1.config['Entrypoint'], about.OCIv1.config['Cmd']].flat()).toEqual(words);
      const version = await buildah('run', '--isolation', 'chroot', 'it', '--', '/usr/bin/wsproxy-server', '--version');
      expect(version.trim()).toBe(JSON.parse(read('packages/server/package.json')).version);
      await buildah('rm', 'it');
    });
  });

  describe('in a container', () => {
    skipUnlessInstalled('podman');

    test.each([
      ['their sockets in /tmp', []],
      ['no disk to write to', ['--read-only', '--tmpfs', '/tmp']],
    ])('has workers without root and capabilities, with %s', async (_what, disk) => {
      const store = temporaryFolder();
      const place = ['--root', join(store, 'root'), '--runroot', join(store, 'run'), '--storage-driver', 'vfs'];
      const podman = ['podman', ...place];
      const loaded = await run('podman', [...place, 'load', '--input', imageFile()], { timeout: 120_000 });
      expect(loaded.code, loaded.stderr).toBe(0);
      const image = /sha256:\w+/.exec(loaded.stdout)?.[0] ?? '';
      const token = join(store, 'token');
      writeFileSync(token, TOKEN, { mode: 0o400 });
      chownSync(token, 1000, 1000);
      const rights = ['--cap-drop', 'all', '--security-opt', 'no-new-privileges', ...disk];
      const server = new Program('unshare', [
        ...OWN_CGROUPS,
        ...podman,
        ...['run', '--rm', ...MODEST, ...rights, '--volume', `${token}:/run/secrets/token:ro`, image],
        ...words.slice(1).map((word) => word.replace('0.0.0.0:8080', '127.0.0.1:0')),
        ...['--workers', '2', '--allow-private', '--log-format', 'json'],
      ]);
      const port = await server.untilStderr(/"listen":"127.0.0.1:(\d+)"[^\n]*"ready"/, 60_000);
      const [client, echo] = await Promise.all([
        start('wsproxy-client', [`ws://127.0.0.1:${port}/tunnel`]),
        startEcho(),
      ]);
      const socket = await bySocks5(client.port, '127.0.0.1', echo.port);
      socket.end('hello');
      expect((await readBytes(socket, 5)).toString()).toBe('hello');
      server.signal('SIGTERM');
      expect(await server.ended).toMatchObject({ code: 0 });
    });
  });

  test('holds the tools that this repository names, and runs as a numbered user', () => {
    const { packageManager } = JSON.parse(read('package.json'));
    const named = all('RUN').flatMap((command) => Array.from(command.matchAll(/pnpm@\S+/g), ([tool]) => tool));
    expect(new Set(named)).toEqual(new Set([packageManager]));
    expect(all('FROM')).toEqual([expect.stringMatching(/^node:\d+-slim AS build$/), 'scratch']);
    expect(all('USER')).toEqual(['1000:1000']);
  });

  // Not skipUnlessInstalled: to have the program is not to have an engine, in CI neither.
  test('builds where there is an engine, and runs without rights', async (context) => {
    const engine = await run('docker', ['info']).catch(() => undefined);
    context.skip(engine?.code !== 0, 'skipped: no container engine answers');
    const file = join(ROOT, 'deploy/Dockerfile');
    const built = await run('docker', ['build', '--quiet', '--file', file, ROOT], { timeout: BUILD_TIME });
    expect(built.code, built.stderr).toBe(0);
    const rights = ['--rm', '--read-only', '--cap-drop=ALL', '--security-opt=no-new-privileges'];
    const { stdout } = await run('docker', ['run', ...rights, built.stdout.trim(), '--version']);
    expect(stdout.trim()).toBe(JSON.parse(read('packages/server/package.json')).version);
  }, 360_000);
});

test('the compose file gives connections the time they were promised, and the server no rights', () => {
  const { services, networks } = parse(read('deploy/compose.yaml'));
  const server = services['wsproxy-server'];
  expect(join('deploy', server.build.context)).toBe('.');
  expect(Number.parseInt(server.stop_grace_period, 10)).toBeGreaterThan(30);
  expect(server).toMatchObject({ read_only: true, cap_drop: ['ALL'] });
  expect(server.ports).toEqual([`127.0.0.1:8080:${all('EXPOSE').join()}`]);
  // Read-only, and by its folder, so that a file that another takes the place of is seen.
  expect(server.volumes).toEqual(['./wsproxy:/etc/wsproxy:ro']);
  expect(server.command).toContain('--token-file=/etc/wsproxy/token');
  const [{ gateway }] = networks.default.ipam.config;
  expect(server.command).toContain(`--trusted-proxy=${gateway}`);
  // Prometheus asks by the name of the service; nobody else can ask.
  expect(server.command).toContain('--admin-host=wsproxy-server');
  // The commands of docs/observing.md read it.
  expect(server.command).toContain('--log-format=json');
  const differs = /^--(?:token-file|trusted-proxy|admin|admin-host|log-format)=/;
  expect(server.command.filter((each: string) => !differs.test(each)).join(' ')).toBe(
    JSON.parse(all('CMD').join())
      .slice(0, -2)
      .join(' ')
      .replaceAll(/(--\S+) /g, '$1='),
  );
});
