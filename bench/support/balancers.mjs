// HAProxy in front of several servers, as in deploy/cluster: so many processes, each on an address of its own, since one
// process may have no more descriptors than `ulimit -n` says, and a tunnel takes two.
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { freePort, startListening, stopProgram } from './program.mjs';

/** Tunnels of one process: with `ulimit -n` of 20,000. */
const TUNNELS = 9_500;

export async function startBalancers({ folder, servers, tunnels }) {
  const port = await freePort();
  const addresses = Array.from({ length: Math.ceil(tunnels / TUNNELS) }, (_, n) => `127.0.1.${n + 1}`);
  const files = await Promise.all(
    addresses.map(async (address) => {
      const file = join(folder, `haproxy-${address}.cfg`);
      await writeFile(file, configuration(address, port, servers));
      return file;
    }),
  );
  let running = [];
  return {
    urls: addresses.map((address) => `ws://${address}:${port}/`),
    pids: () => running.map(({ pid }) => pid),
    async start() {
      running = await Promise.all(files.map((file) => startListening(['haproxy', '-db', '-f', file], port)));
    },
    /** As a machine that fails: every connection is over at once. */
    kill: () => Promise.all(running.map((child) => stopProgram(child))),
  };
}

function configuration(address, port, servers) {
  return `
global
    maxconn ${TUNNELS + 200}
defaults
    mode http
    timeout connect 2s
    timeout http-request 10s
    timeout client 30s
    timeout server 30s
    timeout tunnel 60s
listen wsproxy
    bind ${address}:${port} backlog 4096
    balance hdr(wsproxy-session)
    hash-type consistent
    # Each has local ports of its own towards each server: the fewer are free, the longer \`connect\` looks for one.
    source ${address}
${servers.map(([host, of]) => `    server s${of} ${host}:${of}`).join('\n')}
`;
}
