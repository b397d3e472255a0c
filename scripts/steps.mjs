// What `npm start` and `npm test` share: steps that are silent when they succeed, among them install and build.
import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

export const root = fileURLToPath(new URL('..', import.meta.url));

export const manifest = readJson('package.json');

/** Proves that a finished install belongs to this lockfile, these manifests and this Node. */
const stamp = join(root, 'node_modules', '.wsproxy-installed');

/** Runs a command from the root, and returns its exit code and everything it has written. */
function capture(command, args) {
  return new Promise((resolve) => {
    // vitest colours what it writes to a pipe as well.
    const env = process.stdout.isTTY ? process.env : { ...process.env, NO_COLOR: '1' };
    // Only a shell finds npm and npx on Windows, where they are .cmd files.
    const child = spawn(command, args, { cwd: root, env, shell: process.platform === 'win32' });
    const output = [];
    child.stdout.on('data', (chunk) => output.push(chunk));
    child.stderr.on('data', (chunk) => output.push(chunk));
    child.on('error', (error) => resolve({ code: 1, output: `${command}: ${error.message}\n` }));
    child.on('close', (code) => resolve({ code: code ?? 1, output: Buffer.concat(output).toString() }));
  });
}

/** Runs one step and prints one line for it; of a step that fails also the whole output. Returns whether it succeeded. */
export async function step(name, command, args) {
  const begin = performance.now();
  const { code, output } = await capture(command, args);
  const seconds = ((performance.now() - begin) / 1000).toFixed(1);
  console.log(`${name.padEnd(8)} ${code === 0 ? 'ok    ' : 'FAILED'} ${seconds.padStart(6)} s`);
  if (code !== 0) console.log(`\n${output}\n${name} failed: ${[command, ...args].join(' ')} (exit code ${code})`);
  return code === 0;
}

/** Installs exactly what the lockfile says; does nothing when that has been done. */
export async function install() {
  const fingerprint = installFingerprint();
  if (isInstalled(fingerprint)) return true;
  const pnpm = ['--yes', manifest.packageManager, 'install', '--frozen-lockfile', '--config.confirmModulesPurge=false'];
  if (!(await step('install', 'npx', pnpm))) return false;
  writeFileSync(stamp, fingerprint);
  return true;
}

/** Compiles what has changed. */
export function build() {
  return step('build', process.execPath, [tool('typescript', 'tsc'), '-b']);
}

/** The script of a tool of the root package, without a shell in between. */
export function tool(packageName, bin) {
  const folder = join('node_modules', packageName);
  const { bin: bins } = readJson(folder, 'package.json');
  return join(folder, typeof bins === 'string' ? bins : bins[bin]);
}

function packageFolders() {
  return ['.', ...readdirSync(join(root, 'packages')).map((name) => join('packages', name))].filter((folder) =>
    existsSync(join(root, folder, 'package.json')),
  );
}

function installFingerprint() {
  const hash = createHash('sha256').update(`${process.version} ${process.platform} ${process.arch}\n`);
  const files = [
    'pnpm-lock.yaml',
    'pnpm-workspace.yaml',
    ...packageFolders().map((folder) => join(folder, 'package.json')),
  ];
  for (const file of files) hash.update(readFileSync(join(root, file))).update('\0');
  return hash.digest('hex');
}

/** The stamp alone would not notice a `node_modules` that was deleted in one package. */
function isInstalled(fingerprint) {
  if (!existsSync(stamp) || readFileSync(stamp, 'utf8') !== fingerprint) return false;
  return packageFolders().every((folder) => {
    const { dependencies = {}, devDependencies = {} } = readJson(folder, 'package.json');
    return Object.keys({ ...dependencies, ...devDependencies }).every((name) =>
      existsSync(join(root, folder, 'node_modules', name, 'package.json')),
    );
  });
}

function readJson(...path) {
  return JSON.parse(readFileSync(join(root, ...path), 'utf8'));
}
