import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest';
import { startEcho } from 'wsproxy-test-support/destinations/echo';
import { TOKEN } from 'wsproxy-test-support/programs/command-line';
import { Program, run } from 'wsproxy-test-support/programs/program';
import { skipUnlessInstalled } from 'wsproxy-test-support/programs/skip-unless-installed';
import { bySocks5, readBytes } from 'wsproxy-test-support/sockets/application';
import { temporaryFolder } from 'wsproxy-test-support/temporary-folder';
import { readPageFiles } from '../../packages/client/src/status/page-files.js';
import { bundle } from '../../scripts/packages/bundle.js';
import { hostPlatform, PLATFORMS } from '../../scripts/packages/node-binary.js';
import { built, PROGRAM_KINDS, ROOT } from './built.js';

/** `PLATFORMS=all npm run vitest -- executables` builds them all; each takes half a minute. */
const platforms = inject('efforts').PLATFORMS === 'all' ? PLATFORMS : [hostPlatform()];
const folder = built(PROGRAM_KINDS, platforms);
const { version } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as { version: string };
const PROGRAMS = ['wsproxy-client', 'wsproxy-server'] as const;
/** Nothing is found: neither Node nor npm. */
const env = { PATH: '/nonexistent', WSPROXY_TOKEN: TOKEN };
/** What somebody has who has unpacked an archive. */
const unpacked = mkdtempSync(join(tmpdir(), 'wsproxy-unpacked-'));
afterAll(() => rmSync(unpacked, { recursive: true }));

const archive = (program: string, platform: string): string =>
  `${program}-${version}-${platform}.${platform.startsWith('windows') ? 'zip' : 'tar.gz'}`;

beforeAll(async () => {
  for (const program of PROGRAMS) {
    const file = join(folder, archive(program, hostPlatform()));
    const { code, stderr } = await run('tar', ['xf', file], { cwd: unpacked });
    if (code !== 0) throw new Error(`tar: ${stderr}`);
  }
});

function executable(program: (typeof PROGRAMS)[number]): string {
  return join(unpacked, `${program}-${version}-${hostPlatform()}`, program);
}

describe.each([
  ['wsproxy-client', 1],
  ['wsproxy-server', 8],
] as const)('the executable of %s', (program, page) => {
  test.each(platforms)('is at most 60 MB to download for %s', (platform) => {
    expect(statSync(join(folder, archive(program, platform))).size).toBeLessThan(60_000_000);
  });

  test('comes with the licences of all that is in it', () => {
    const path = executable(program);
    expect(readdirSync(join(path, '..')).sort()).toEqual(
      ['LICENSE', 'README.md', 'THIRD-PARTY-NOTICES.txt', 'completion', 'zh_CN', program, `${program}.${page}`].sort(),
    );
    const notices = readFileSync(join(path, '../THIRD-PARTY-NOTICES.txt'), 'utf8');
    for (const name of ['commander', 'pino', 'ws', 'yaml'])
      expect(notices).toMatch(new RegExp(`^${name} [\\d.]+ \\(`, 'm'));
    expect(notices).toContain('Node.js is licensed for use as follows');
    // npm's package of it has no text.
    if (program === 'wsproxy-server') expect(notices).toMatch(/^@redis\/client [\d.]+ \(MIT\)\n\nMIT License/m);
  });

  test('is for everybody, with any umask of its builder', async () => {
    const { stdout } = await run('tar', ['tvf', join(folder, archive(program, hostPlatform()))]);
    const modes = stdout
      .trim()
      .split('\n')
      .map((line) => line.replace(/^(\S+) .* [^/]+\/(.*)$/, '$2 $1'));
    expect(modes).toEqual(
      expect.arrayContaining([`${program} -rwxr-xr-x`, 'LICENSE -rw-r--r--', 'completion/ drwxr-xr-x']),
    );
    const wrong = modes.filter((line) => !/^(\S+\/)? drwxr-xr-x$|[^/] -rw-r--r--$/.test(line));
    expect(wrong).toEqual([`${program} -rwxr-xr-x`]);
  });

  test("is a program of its own, which a user's NODE_OPTIONS do not reach", async () => {
    const options = { NODE_OPTIONS: '--require /nonexistent.cjs' };
    const told = await run(executable(program), ['--version'], { env: { ...env, ...options } });
    expect(told).toMatchObject({ code: 0, stdout: `${version}\n`, stderr: '' });
  });

  test('runs without Node, and tells its version, its help and what is wrong', async () => {
    const path = executable(program);
    expect(await run(path, ['--version'], { env })).toMatchObject({ code: 0, stdout: `${version}\n`, stderr: '' });
    const help = await run(path, ['--help'], { env });
    const script = join(ROOT, 'packages', program.replace('wsproxy-', ''), 'bin', `${program}.js`);
    expect(help).toEqual(await run(process.execPath, [script, '--help'], { env }));
    const wrong = await run(path, ['--no-such-flag'], { env });
    expect(wrong).toMatchObject({ code: 2, stdout: '' });
    expect(wrong.stderr).toContain('--no-such-flag');
  });
});

describe('the two executables', () => {
  test('carry a connection, with workers that are exchanged', async () => {
    const [client, server] = [executable('wsproxy-client'), executable('wsproxy-server')];
    const far = new Program(
      server,
      ['--listen', '127.0.0.1:0', '--workers', '2', '--allow-private', '--log-format', 'json'],
      { env },
    );
    const farPort = await far.untilStderr(/"listen":"127.0.0.1:(\d+)"[^\n]*"ready"/);
    const near = new Program(client, [`ws://127.0.0.1:${farPort}`, '--listen', '127.0.0.1:0', '--log-format', 'json'], {
      env,
    });
    const port = Number(await near.untilStderr(/"listen":"127.0.0.1:(\d+)"[^\n]*"ready"/));
    await near.untilStderr(/"connected to the server"/);
    const echo = await startEcho();
    const before = await bySocks5(port, '127.0.0.1', echo.port);
    before.write('before');
    expect((await readBytes(before, 6)).toString()).toBe('before');
    far.signal('SIGUSR2');
    await far.untilStderr(/"new workers serve what is new"/);
    // Each worker is the executable again; what it was given at the start goes on.
    before.write('after!');
    expect((await readBytes(before, 6)).toString()).toBe('after!');
    const after = await bySocks5(port, '127.0.0.1', echo.port);
    after.end('new');
    expect((await readBytes(after, 3)).toString()).toBe('new');
    before.destroy();
    for (const program of [near, far]) {
      program.signal('SIGTERM');
      expect(await program.ended).toMatchObject({ code: 0 });
    }
  });

  test('have the status page in them', async () => {
    const client = new Program(
      executable('wsproxy-client'),
      ['ws://127.0.0.1:9', '--listen', '127.0.0.1:0', '--status', '0', '--log-format', 'json'],
      { env },
    );
    const url = await client.untilStderr(/"url":"(http:[^"]+)"/);
    for (const [path, { type, body }] of await readPageFiles(false)) {
      const answer = await fetch(new URL(path, url));
      expect([path, answer.status, answer.headers.get('content-type')]).toEqual([path, 200, type]);
      expect(Buffer.from(await answer.arrayBuffer()).equals(body)).toBe(true);
    }
  });

  test('run the script of --inspect-script', async () => {
    const script = join(unpacked, 'script.mjs');
    writeFileSync(script, 'export default { onRequest: 1 };');
    const args = [
      'ws://127.0.0.1:9',
      '--listen',
      '127.0.0.1:0',
      '--inspect',
      'example.org',
      '--inspect-script',
      script,
    ];
    const { code, stderr } = await run(executable('wsproxy-client'), args, {
      env: { ...env, XDG_STATE_HOME: unpacked },
    });
    expect([code, stderr]).toEqual([2, `wsproxy-client: --inspect-script: ${script}: onRequest is no function\n`]);
  });

  test('read configuration files', async () => {
    const file = join(unpacked, 'server.yaml');
    writeFileSync(file, 'lissten: 127.0.0.1:8080\n');
    const { code, stderr } = await run(executable('wsproxy-server'), ['config', 'check', file], { env });
    expect(code).toBe(2);
    expect(stderr).toContain('did you mean listen?');
  });
});

/** What the first bytes of a program say of the system and the processor that it is for. */
function formatOf(file: Buffer): string {
  if (file.toString('latin1', 0, 4) === '\x7fELF') return `ELF ${file.readUInt16LE(18).toString(16)}`;
  if (file.readUInt32LE(0) === 0xfe_ed_fa_cf) return `Mach-O ${file.readUInt32LE(4).toString(16)}`;
  const start = file.readUInt32LE(0x3c);
  return `${file.toString('latin1', start, start + 2)} ${file.readUInt16LE(start + 4).toString(16)}`;
}

/** ELF and PE: of the machine; Mach-O: the type of the processor. */
const FORMATS: Readonly<Record<(typeof platforms)[number], string>> = {
  'linux-x64': 'ELF 3e',
  'linux-arm64': 'ELF b7',
  'macos-x64': 'Mach-O 1000007',
  'macos-arm64': 'Mach-O 100000c',
  'windows-x64': 'PE 8664',
};

describe('what is downloaded', () => {
  skipUnlessInstalled('python3');

  test.each(platforms)('for %s is of its format, and holds the program', async (platform) => {
    const end = platform.startsWith('windows') ? '.exe' : '';
    for (const program of PROGRAMS) {
      const place = temporaryFolder();
      const packed = join(folder, archive(program, platform));
      // The tar of some systems knows nothing of zip.
      const unpack = end === '' ? ['tar', 'xf', packed] : ['python3', '-m', 'zipfile', '--extract', packed, '.'];
      const { code, stderr } = await run(unpack[0] ?? '', unpack.slice(1), { cwd: place });
      expect(code, stderr).toBe(0);
      const file = readFileSync(join(place, `${program}-${version}-${platform}`, `${program}${end}`));
      expect(formatOf(file)).toBe(FORMATS[platform]);
      // By this mark Node sees that it holds something to run.
      expect(file.includes('NODE_SEA_FUSE_fce680ab2cc467b6e072b8b5df1996b2:1')).toBe(true);
      expect(file.includes((await bundle(program)).code)).toBe(true);
    }
  });
});

test('what was built for other machines is not kept', () => {
  expect(readdirSync(join(folder, 'build'))).toEqual([hostPlatform()]);
});
