// Other tunnels, as ways beside ours. Nothing of them is here: their programs are in a folder that somebody names.
import { execFile } from 'node:child_process';
import { existsSync, statSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { promisify } from 'node:util';
import { freePort, inBench, startListening, stopProgram } from './program.mjs';

const run = promisify(execFile);

/**
 * By the name of the program: how it tells its version, and the words behind its name for the end that dials destinations
 * and for the one that offers SOCKS5 at 127.0.0.1:`socks`. The former listens on `host` and `port` for the latter; with
 * `tls`, { key, cert }, `host` is localhost to the latter. They log what goes wrong, and no line for each connection.
 */
const PROGRAMS = {
  chisel: {
    version: ['--version'],
    server: ({ host, port, tls }) => {
      const certificate = tls ? ['--tls-key', tls.key, '--tls-cert', tls.cert] : [];
      return ['server', '--socks5', '--host', host, '--port', port, ...certificate];
    },
    client: ({ host, port, tls, socks }) => {
      const authority = tls ? ['--tls-ca', tls.cert] : [];
      return ['client', ...authority, `http${tls ? 's' : ''}://${host}:${port}`, `127.0.0.1:${socks}:socks`];
    },
  },
  gost: {
    version: ['-V'],
    // One WebSocket for all, and no line in the log for each connection.
    env: { GOST_LOGGER_LEVEL: 'error' },
    server: ({ host, port, tls }) => {
      const query = tls ? `?certFile=${tls.cert}&keyFile=${tls.key}` : '';
      return ['-L', `relay+mws${tls ? 's' : ''}://${host}:${port}${query}`];
    },
    client: ({ host, port, tls, socks }) => {
      return ['-L', `socks5://127.0.0.1:${socks}`, '-F', `relay+mws${tls ? 's' : ''}://${host}:${port}`];
    },
  },
  penguin: {
    version: ['--version'],
    server: ({ host, port, tls }) => {
      const certificate = tls ? ['--tls-key', tls.key, '--tls-cert', tls.cert] : [];
      return ['server', '--host', host, '--port', port, ...certificate];
    },
    client: ({ host, port, tls, socks }) => {
      // It takes no certificate that has signed itself.
      const trust = tls ? ['--tls-skip-verify'] : [];
      return ['client', ...trust, `ws${tls ? 's' : ''}://${host}:${port}/ws`, `127.0.0.1:${socks}:socks`];
    },
  },
  wstunnel: {
    version: ['--version'],
    server: ({ host, port, tls }) => {
      const certificate = tls ? ['--tls-private-key', tls.key, '--tls-certificate', tls.cert] : [];
      return ['server', '--log-lvl', 'ERROR', ...certificate, `ws${tls ? 's' : ''}://${host}:${port}`];
    },
    client: ({ host, port, tls, socks }) => {
      const local = ['-L', `socks5://127.0.0.1:${socks}`];
      return ['client', '--log-lvl', 'ERROR', ...local, `ws${tls ? 's' : ''}://${host}:${port}`];
    },
  },
};

/** How long a peer may take until it carries the first byte, and to tell its version, ms. */
const START = 10_000;
const VERSION = 5_000;

/**
 * The peers whose programs are in `folder`, by name: what each says of its version, and the ways through it, plain and
 * with TLS; and the names of those that are not there.
 */
export async function findPeers(folder) {
  if (!statSync(folder, { throwIfNoEntry: false })?.isDirectory()) throw new Error(`${folder} is no folder`);
  const found = {};
  const missing = [];
  for (const [name, peer] of Object.entries(PROGRAMS)) {
    const program = join(resolve(folder), name);
    if (existsSync(program)) {
      const ways = { plain: wayThrough(peer, program, false), tls: wayThrough(peer, program, true) };
      found[name] = { program, version: await versionOf(program, peer.version), ...ways };
    } else missing.push(name);
  }
  if (Object.keys(found).length === 0) throw new Error(`${folder} has none of ${missing.join(', ')}`);
  return { found, missing };
}

function wayThrough(peer, program, isTls) {
  const way = (place) => startPeer(peer, program, place, isTls);
  way.mayFail = true;
  if (isTls) way.baseline = 'pipe, TLS between';
  return way;
}

async function startPeer(peer, program, place, isTls) {
  const { serverHost = [], clientHost = [], address = '127.0.0.1', folder, certificate, target } = place;
  const [port, socks] = [await freePort(), await freePort()].map(String);
  const tls = isTls ? certificate : undefined;
  const options = { env: { PATH: process.env.PATH, HOME: folder, ...peer.env } };
  const children = [];
  const stop = async () => {
    for (const child of children) await stopProgram(child);
  };
  try {
    const atServer = peer.server({ host: address, port, tls });
    children.push(await startListening([...serverHost, program, ...atServer], Number(port), options));
    const atClient = peer.client({ host: isTls ? 'localhost' : address, port, tls, socks });
    children.unshift(await startListening([...clientHost, program, ...atClient], Number(socks), options));
    const open = { address: ['127.0.0.1', Number(socks)], socks: true };
    await expectToCarry(clientHost, open.address, target, children);
    return { open, pids: children.map(({ pid }) => pid), children, stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

async function expectToCarry(host, via, target, children) {
  const options = JSON.stringify({ via, target, within: START });
  const [command, ...args] = [...host, process.execPath, inBench('support/probe.mjs'), options];
  try {
    await run(command, args);
  } catch ({ stderr }) {
    const said = children.map((child) => child.said()).filter((text) => text !== '');
    throw new Error([`it carries nothing: ${stderr.trim()}`, ...said].join('\n'));
  }
}

/** The first line that it prints. */
async function versionOf(program, args) {
  try {
    const { stdout, stderr } = await run(program, args, { timeout: VERSION, killSignal: 'SIGKILL' });
    return `${stdout}${stderr}`.trim().split('\n', 1)[0];
  } catch {
    return 'unknown';
  }
}
