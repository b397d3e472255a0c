import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach } from 'vitest';
import { run } from 'wsproxy-test-support/programs/program';
import { skipMissing } from 'wsproxy-test-support/programs/skip-unless-installed';

/**
 * Clients of Wisp that others have written. They are installed into a folder of their own, since three of them are under the LGPL:
 * nothing of ours depends on them.
 */
const CLIENTS = [
  '@mercuryworkshop/wisp-js@0.5.0',
  '@mercuryworkshop/epoxy-tls@1.5.0',
  'libcurl.js@0.7.4',
  'v86@0.5.462',
];

/** The tests of the enclosing file are skipped where no registry of npm has them. Returns the folder of the packages. */
export function installClients(): string {
  const folder = mkdtempSync(join(tmpdir(), 'wsproxy-wisp-'));
  let isThere = false;
  beforeAll(async () => {
    writeFileSync(join(folder, 'package.json'), '{}');
    const env = environment();
    // Of a company's network: npm forgets the authority of the machine where it is given a prefix.
    const { stdout } = await run('npm', ['config', 'get', 'cafile'], { env });
    const ca = stdout.startsWith('/') ? { NODE_EXTRA_CA_CERTS: stdout.trim() } : {};
    const args = ['install', '--no-audit', '--no-fund', '--ignore-scripts', ...CLIENTS];
    const { code } = await run('npm', args, { cwd: folder, env: { ...ca, ...env }, timeout: PATIENCE });
    isThere = code === 0;
  }, PATIENCE);
  beforeEach((context) => {
    if (!isThere) skipMissing(context, 'clients of Wisp, from a registry of npm,');
  });
  afterAll(() => rmSync(folder, { recursive: true, force: true }));
  return join(folder, 'node_modules');
}

/** Of a registry that is far, or away, ms. */
const PATIENCE = 180_000;

/** Without what a package manager tells the tests that it runs. */
function environment(): Record<string, string> {
  const given = Object.entries(process.env).filter(([name]) => !name.startsWith('npm_'));
  return Object.fromEntries(given) as Record<string, string>;
}
