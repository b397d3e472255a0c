import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { startEcho } from 'wsproxy-test-support/destinations/echo';
import { startWebFiles } from 'wsproxy-test-support/destinations/web-files';
import { TOKEN } from 'wsproxy-test-support/programs/command-line';
import { run } from 'wsproxy-test-support/programs/program';
import { temporaryFolder } from 'wsproxy-test-support/temporary-folder';
import { startServer } from 'wsproxy-test-support/tunnel';

const root = fileURLToPath(new URL('../..', import.meta.url));
const manifest = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as { packageManager: string };
const NAMES = ['engine', 'node', 'cli', 'client', 'server'].map((name) => `wsproxy-${name}`);
/** In one of the folders that make up a package, or one of the files that npm always takes. */
const EXPECTED = /^package\/((bin|dist|page|src)\/|(package\.json|README\.md|LICENSE)$)/;
/** Of a package manager that has nothing in its cache. */
const PATIENCE = 180_000;

/** With what a package manager finds in the environment of whoever runs the tests. */
const env = Object.fromEntries(Object.entries(process.env).filter(([name]) => !name.startsWith('npm_'))) as Record<
  string,
  string
>;

/** Runs a program, which has to succeed, and gives what it printed. */
async function runIn(folder: string, command: string, ...args: string[]): Promise<string> {
  const { code, stdout, stderr } = await run(command, args, { cwd: folder, env, timeout: PATIENCE });
  if (code !== 0) throw new Error(`${command} ${args.join(' ')}: ${stdout}${stderr}`);
  return stdout;
}

const packed: { folder: string; files: Record<string, string> } = { folder: '', files: {} };

beforeAll(async () => {
  // Of all tests: one of `temporaryFolder` would go with the first.
  packed.folder = mkdtempSync(join(tmpdir(), 'wsproxy-packed-'));
  for (const name of NAMES) {
    const source = join(root, 'packages', name.replace('wsproxy-', ''));
    await runIn(source, 'npx', '--yes', manifest.packageManager, 'pack', '--pack-destination', packed.folder);
  }
  packed.files = Object.fromEntries(
    NAMES.map((name) => {
      const file = readdirSync(packed.folder).find((one) => one.startsWith(name)) ?? '';
      return [name, `file:${join(packed.folder, file)}`];
    }),
  );
}, PATIENCE);

afterAll(() => rmSync(packed.folder, { recursive: true }));

/** A folder with a package.json that asks for the tarballs, and the programs that use them. */
function consumer(more: object): string {
  const folder = temporaryFolder();
  const dependencies = {
    'wsproxy-client': packed.files['wsproxy-client'],
    'wsproxy-server': packed.files['wsproxy-server'],
  };
  writeFileSync(join(folder, 'package.json'), JSON.stringify({ private: true, dependencies, ...more }));
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
  test.each(NAMES)('%s holds what it needs, and nothing else', async (name) => {
    const file = (packed.files[name] ?? '').replace('file:', '');
    const list = (await runIn(packed.folder, 'tar', 'tzf', file)).trim().split('\n');
    expect(list.filter((path) => !EXPECTED.test(path) || /\.test\.|tsbuildinfo/.test(path))).toEqual([]);
    expect(list).toContain('package/LICENSE');
    expect(list).toContain('package/README.md');
  });

  test.each(NAMES)('%s has right entry points and types', async (name) => {
    const file = (packed.files[name] ?? '').replace('file:', '');
    await runIn(root, 'npx', 'publint', 'run', file, '--strict');
    await runIn(root, 'npx', 'attw', file, '--profile', 'esm-only', '--format', 'ascii', '--no-emoji');
  });
});

describe('the packed packages work in an empty folder', () => {
  test.each([
    ['npm', ['npm', 'install', '--no-audit', '--no-fund'], { overrides: true }],
    ['pnpm', ['npx', '--yes', manifest.packageManager, 'install', '--ignore-workspace'], { pnpm: true }],
    ['yarn', ['npx', '--yes', 'yarn@1.22.22', 'install', '--no-lockfile'], { resolutions: true }],
  ] as const)(
    'with %s: ESM, CommonJS and the programs',
    async (_name, [command, ...args], how) => {
      // Not published yet: the tarballs also stand for what the packages depend on.
      const { files } = packed;
      const inner = Object.fromEntries(
        ['engine', 'node', 'cli'].map((name) => [`wsproxy-${name}`, files[`wsproxy-${name}`]]),
      );
      const folder = consumer({
        ...('overrides' in how && { overrides: inner }),
        ...('pnpm' in how && { pnpm: { overrides: inner } }),
        ...('resolutions' in how && { resolutions: inner }),
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

/** The snippet of the README, with nothing exchanged but the addresses, which nobody has. */
function readmeSnippet(url: string, port: number): string {
  const text = readFileSync(join(root, 'README.md'), 'utf8');
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
    const folder = consumer({ overrides: packed.files });
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
    ['nodenext', 'with undici', ['undici@7']],
    ['bundler', 'with undici', ['undici@7']],
    ['nodenext', 'without it', []],
  ] as const)(
    'are found with moduleResolution %s, %s',
    async (moduleResolution, _with, undici) => {
      const folder = consumer({ type: 'module', overrides: packed.files });
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
      const module = moduleResolution === 'nodenext' ? 'nodenext' : 'esnext';
      const compilerOptions = {
        module,
        moduleResolution,
        target: 'es2023',
        strict: true,
        noEmit: true,
        types: ['node'],
      };
      writeFileSync(join(folder, 'tsconfig.json'), JSON.stringify({ compilerOptions, include: ['src'] }));
      await runIn(folder, process.execPath, join(root, 'node_modules/typescript/bin/tsc'), '-p', '.');
    },
    PATIENCE,
  );
});
