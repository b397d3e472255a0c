import { mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { startEcho } from 'wsproxy-test-support/destinations/echo';
import { startWebFiles } from 'wsproxy-test-support/destinations/web-files';
import { codeBlocks } from 'wsproxy-test-support/documents';
import { TOKEN } from 'wsproxy-test-support/programs/command-line';
import { run } from 'wsproxy-test-support/programs/program';
import { temporaryFolder } from 'wsproxy-test-support/temporary-folder';
import { startServer } from 'wsproxy-test-support/tunnel';
import { PUBLISHED } from '../../scripts/packages/npm-package.js';
import { built, ROOT } from './built.js';

const manifest = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as {
  packageManager: string;
  version: string;
  keywords: string[];
};
const folder = built(['npm', 'sbom']);
const fileOf = (name: string): string => join(folder, `${name}-${manifest.version}.tgz`);
/** Not published yet: its tarball also stands for what the other packages depend on. */
const ENGINE = { 'wsproxy-engine': `file:${fileOf('wsproxy-engine')}` };
/** In one of the folders that make up a package, or one of the files that npm always takes. */
const EXPECTED = /^package\/((bin|dist|inside|page)\/|(package\.json|README\.md|LICENSE)$)/;
/** Of a package manager that has nothing in its cache. */
const PATIENCE = 180_000;

/** With what a package manager finds in the environment of anyone who runs the tests. */
const given = Object.fromEntries(Object.entries(process.env).filter(([name]) => !name.startsWith('npm_'))) as Record<
  string,
  string
>;

/** The authority of a company's network: npm forgets that of the machine where it is given a prefix, and Yarn 4 does not ask npm. */
const { stdout: cafile } = await run('npm', ['config', 'get', 'cafile'], { env: given });
const env = { ...(cafile.startsWith('/') && { NODE_EXTRA_CA_CERTS: cafile.trim() }), ...given };

/** Runs a program, which has to succeed, and gives what it printed. */
async function runIn(folder: string, command: string, ...args: string[]): Promise<string> {
  const { code, stdout, stderr } = await run(command, args, { cwd: folder, env, timeout: PATIENCE });
  if (code !== 0) throw new Error(`${command} ${args.join(' ')}: ${stdout}${stderr}`);
  return stdout;
}

/** A folder with a package.json that asks for the tarballs, and the programs that use them. */
function consumer(more: object): string {
  const folder = temporaryFolder();
  const dependencies = Object.fromEntries(PUBLISHED.map((name) => [name, `file:${fileOf(name)}`]));
  writeFileSync(join(folder, 'package.json'), JSON.stringify({ private: true, dependencies, ...more }));
  writeFileSync(join(folder, '.yarnrc.yml'), 'nodeLinker: node-modules\nenableGlobalCache: false\n');
  for (const [name, load] of [
    ['import.mjs', "import { createClient } from 'wsproxy-client';"],
    ['require.cjs', "const { createClient } = require('wsproxy-client');"],
  ] as const) {
    writeFileSync(
      join(folder, name),
      `${load}
      (async () => {
        const [url, token, target] = process.argv.slice(2);
        const client = createClient({ url, token });
        const socket = await client.connect(target);
        socket.end('through a packed client');
        for await (const chunk of socket) process.stdout.write(chunk);
        await client.close();
      })();`,
    );
  }
  return folder;
}

describe('each package', () => {
  test.each(PUBLISHED)('%s holds what it needs, and nothing else', async (name) => {
    const list = (await runIn(folder, 'tar', 'tzf', fileOf(name))).trim().split('\n');
    expect(list.filter((path) => !EXPECTED.test(path) || /\.test\.|tsbuildinfo|\.map$|testing/.test(path))).toEqual([]);
    expect(list).toContain('package/LICENSE');
    expect(list).toContain('package/README.md');
    const modes = (await runIn(folder, 'tar', 'tvzf', fileOf(name))).trim().split('\n');
    expect(modes.filter((line) => !/^-rw(-r--r--|xr-xr-x) /.test(line))).toEqual([]);
  });

  test.each(PUBLISHED)(
    '%s says what the repository says of itself, and depends on nothing that is not published',
    async (name) => {
      const packed = JSON.parse(await runIn(folder, 'tar', 'xzOf', fileOf(name), 'package/package.json'));
      expect(packed).toMatchObject({ name, version: manifest.version, keywords: manifest.keywords });
      const ours = Object.entries(packed.dependencies).filter(([each]) => each.startsWith('wsproxy-'));
      expect(ours).toEqual(name === 'wsproxy-engine' ? [] : [['wsproxy-engine', manifest.version]]);
      expect(JSON.stringify(packed)).not.toContain('workspace:');
    },
  );

  test.each(PUBLISHED)('%s has right entry points and types', async (name) => {
    const file = fileOf(name);
    await runIn(ROOT, 'npx', 'publint', 'run', file, '--strict');
    await runIn(ROOT, 'npx', 'attw', file, '--profile', 'esm-only', '--format', 'ascii', '--no-emoji');
  });
});

describe('the packed packages work in an empty folder', () => {
  test.each([
    ['npm', ['npm', 'install', '--no-audit', '--no-fund'], { overrides: true }],
    ['pnpm', ['npx', '--yes', manifest.packageManager, 'install', '--ignore-workspace'], { pnpm: true }],
    ['yarn', ['npx', '--yes', 'yarn@1.22.22', 'install', '--no-lockfile'], { resolutions: true }],
    ['yarn 4', ['npx', '--yes', '@yarnpkg/cli-dist@4.18.1', 'install', '--no-immutable'], { resolutions: true }],
  ] as const)(
    'with %s: ESM, CommonJS and the programs',
    async (_name, [command, ...args], how) => {
      const folder = consumer({
        ...('overrides' in how && { overrides: ENGINE }),
        ...('pnpm' in how && { pnpm: { overrides: ENGINE } }),
        ...('resolutions' in how && { resolutions: ENGINE }),
      });
      await runIn(folder, command, ...args);
      const [{ port: serverPort }, { port }] = [await startServer(), await startEcho()];
      for (const script of ['import.mjs', 'require.cjs']) {
        const words = [script, `ws://127.0.0.1:${serverPort}/`, TOKEN, `127.0.0.1:${port}`];
        expect(await runIn(folder, process.execPath, '--no-warnings', ...words)).toBe('through a packed client');
      }
      for (const program of ['wsproxy-client', 'wsproxy-server']) {
        expect(await runIn(folder, join(folder, 'node_modules/.bin', program), '--version')).toMatch(
          /^\d+\.\d+\.\d+\n$/,
        );
      }
    },
    PATIENCE,
  );
});

test.each(['wsproxy-client', 'wsproxy-server'] as const)(
  '%s is installed for all users by npm, as docs/install.md says',
  async (program) => {
    const [prefix, clone] = [temporaryFolder(), temporaryFolder()];
    symlinkSync(folder, join(clone, 'dist'));
    const lines = codeBlocks('install.md').flatMap((block) => block.split('\n'));
    const [line = ''] = lines.filter((each) => each.startsWith('npm install') && each.includes(`/${program}-`));
    expect(line).not.toBe('');
    await runIn(clone, 'npm', ...line.split(' ').slice(1), '--prefix', prefix, '--no-audit', '--no-fund');
    expect(await runIn(prefix, join(prefix, 'bin', program), '--version')).toBe(`${manifest.version}\n`);
  },
  PATIENCE,
);

/** The snippet of the README, with nothing exchanged but the addresses, which nobody has. */
function readmeSnippet(url: string, port: number): string {
  const text = readFileSync(join(ROOT, 'README.md'), 'utf8');
  const snippet = /```js\n(import \{ createClient \}[^]*?)```/.exec(text)?.[1] ?? '';
  const exchanged = snippet
    .replace('wss://proxy.example.org/tunnel', url)
    .replace("{ host: 'example.com', port: 80 }", `{ host: '127.0.0.1', port: ${port} }`);
  expect(exchanged).not.toContain('example.org');
  return exchanged;
}

test(
  "the README's snippet for programs works in a fresh folder",
  async () => {
    const [{ port: serverPort }, { port }] = [await startServer(), await startWebFiles()];
    const folder = consumer({ overrides: ENGINE });
    writeFileSync(join(folder, 'snippet.mjs'), readmeSnippet(`ws://127.0.0.1:${serverPort}/`, port));
    await runIn(folder, 'npm', 'install', '--no-audit', '--no-fund');
    const { code, stdout, stderr } = await run(process.execPath, ['snippet.mjs'], {
      cwd: folder,
      env: { WSPROXY_TOKEN: TOKEN },
    });
    expect(stderr).toBe('');
    expect(stdout).toMatch(/^HTTP\/1\.1 200 OK\r\n/);
    expect(code).toBe(0);
  },
  PATIENCE,
);

describe('the types', () => {
  test.each([
    ['with undici', ['undici@7'], ['nodenext', 'bundler']],
    ['without undici', [], ['nodenext']],
  ] as const)(
    'are found %s with each moduleResolution',
    async (_with, undici, resolutions) => {
      const folder = consumer({ type: 'module', overrides: ENGINE });
      await runIn(folder, 'npm', 'install', '--no-audit', '--no-fund', '@types/node@20', ...undici);
      mkdirSync(join(folder, 'src'));
      writeFileSync(
        join(folder, 'src/use.ts'),
        `import { createClient, type ClientStatus } from 'wsproxy-client';
      const client = createClient({ url: 'wss://proxy.example.org/tunnel', token: '' });
      const status: ClientStatus = client.status();
      export const bytes: number = status.bytesUp;
      // @ts-expect-error a port is a number
      client.connect({ host: 'a', port: '80' });`,
      );
      for (const moduleResolution of resolutions) {
        const compilerOptions = {
          module: moduleResolution === 'nodenext' ? 'nodenext' : 'esnext',
          moduleResolution,
          target: 'es2023',
          strict: true,
          noEmit: true,
          types: ['node'],
        };
        writeFileSync(join(folder, 'tsconfig.json'), JSON.stringify({ compilerOptions, include: ['src'] }));
        await runIn(folder, process.execPath, join(ROOT, 'node_modules/typescript/bin/tsc'), '-p', '.');
      }
    },
    PATIENCE,
  );
});
