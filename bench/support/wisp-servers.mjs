// Servers of Wisp, as ways: `open` has the URL of each (see ways.mjs). There is no client of ours between.
import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdtemp, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { freePort, listeningAt, startListening, stopProgram } from './program.mjs';
import { NO_LIMITS, startServer } from './tunnel.mjs';

const run = promisify(execFile);
/** Its server is a program, under the LGPL: nothing of it is here. */
const PACKAGE = '@mercuryworkshop/wisp-js@0.5.0';
/** Of a registry that is far, or away, ms. */
const PATIENCE = 180_000;

/** `wsproxy-server --wisp`. */
export async function wispOfOurs({ folder }) {
  const token = 'a-wisp-token-that-is-only-for-this-benchmark';
  const digest = createHash('sha256').update(token).digest('hex');
  const file = join(folder, 'wisp-users.yaml');
  await writeFile(file, `- { id: bench, tokens: [{ token: "sha256:${digest}", for: wisp }] }\n`, { mode: 0o600 });
  const options = [...NO_LIMITS, '--users', file, '--wisp', '/wisp/'];
  const server = await startServer({ options, env: {} });
  return way(server, `ws://${listeningAt(server).join(':')}/wisp/${token}/`);
}

/** The server of those who have written the specification, installed on first use. */
export async function wispJs() {
  const program = join(await installed(), 'node_modules/.bin/wisp-js-server');
  const port = await freePort();
  const options = JSON.stringify({ allow_loopback_ips: true, allow_private_ips: true });
  const command = [process.execPath, program, '-P', String(port), '-L', 'NONE', '-O', options];
  return way(await startListening(command, port), `ws://127.0.0.1:${port}/wisp/`);
}
wispJs.mayFail = true;

function way(server, url) {
  return { open: { wisp: url }, pids: [server.pid], stop: () => stopProgram(server) };
}

async function installed() {
  const folder = join(tmpdir(), `wsproxy-bench-${PACKAGE.replaceAll('/', '-')}`);
  if (existsSync(folder)) return folder;
  const own = await mkdtemp(`${folder}-`);
  await writeFile(join(own, 'package.json'), '{}');
  const args = ['install', '--no-audit', '--no-fund', '--ignore-scripts', PACKAGE];
  try {
    await run('npm', args, { cwd: own, env: environment(), timeout: PATIENCE });
    await rename(own, folder);
  } catch ({ stderr, message }) {
    await rm(own, { recursive: true });
    throw new Error(`npm does not install ${PACKAGE}: ${stderr || message}`);
  }
  return folder;
}

/** Without what a package manager tells the programs that it runs; the authority of a company's network stays. */
function environment() {
  return Object.fromEntries(Object.entries(process.env).filter(([name]) => !name.startsWith('npm_')));
}
