import { readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeEach, expect } from 'vitest';
import type { Certificate } from 'wsproxy-test-support/certificate';
import { codeBlocks } from 'wsproxy-test-support/documents';
import { isInstalled } from 'wsproxy-test-support/programs/installed';
import { prepareNginx } from 'wsproxy-test-support/programs/nginx';
import { run } from 'wsproxy-test-support/programs/program';
import { configuration, startUntilListening } from 'wsproxy-test-support/programs/reverse-proxy';
import { skipUnlessInstalled } from 'wsproxy-test-support/programs/skip-unless-installed';
import { freePort } from 'wsproxy-test-support/sockets/listen';
import { addressOf, NAMES, type Ports } from './nodes.js';

/**
 * By what a balancer finds the node of a session: by the header fields that clients send, by a cookie of its own, or not at all.
 * `as shipped` is what the file of deploy/ does.
 */
export type Way = 'as shipped' | 'header' | 'cookie' | 'round robin';

export interface BalancerPlace {
  readonly folder: string;
  /** Where it is to listen with TLS. */
  readonly port: number;
  readonly ports: Ports;
  readonly certificate: Certificate;
  readonly way: Way;
  /** It judges nodes by their answers, too, and goes without one at the first bad one. Default: as in the file. */
  readonly isWary?: boolean;
}

/** A balancer that runs. */
export interface Balancer {
  /** What it has written so far. */
  said(): string;
  /** From now on these are the nodes; with the same ones it is a reload. */
  setNodes(names: readonly string[]): Promise<void>;
}

/** Starts one with the file of deploy/cluster, and these nodes. */
export type StartBalancer = (place: BalancerPlace, names: readonly string[]) => Promise<Balancer>;

export const BALANCERS: Readonly<Record<string, StartBalancer>> = {
  haproxy: startHaproxy,
  nginx: startNginx,
  caddy: startCaddy,
  envoy: startEnvoy,
};

/** Skips the tests of the enclosing block without it. Debian has no package of Envoy: in CI those are skipped as well (.ci/run). */
export function skipUnlessBalances(program: string): void {
  if (program !== 'envoy') return skipUnlessInstalled(program);
  beforeEach((context) => {
    if (!isInstalled(program)) context.skip('skipped: envoy not installed');
  });
}

/** Puts the addresses of the test in place of the example's, in a text that is about the nodes. */
function placed(text: string, { tunnel, health }: Ports): string {
  return NAMES.reduce((all, name, n) => all.replaceAll(`10.0.0.${11 + n}`, addressOf(name)), text)
    .replaceAll(/(127\.[\d.]+:)8080/g, `$1${tunnel}`)
    .replaceAll('port 9091', `port ${health}`)
    .replaceAll('localhost:9091', `localhost:${health}`);
}

/** What `pattern` finds once for each node is there for these nodes alone. */
function onlyNodes(text: string, pattern: RegExp, names: readonly string[]): string {
  const found = [...text.matchAll(pattern)];
  expect(found.map(([, address]) => address)).toEqual(NAMES.map(addressOf));
  return found.reduce(
    (all, [block, address]) => (names.map(addressOf).includes(address ?? '') ? all : all.replace(block, '')),
    text,
  );
}

/** Puts another text in the place of one that must be there. */
function replaced(text: string, from: string | RegExp, to: string): string {
  expect(text).toMatch(from);
  return text.replaceAll(from, () => to);
}

async function startHaproxy(
  { folder, port, ports, certificate, way, isWary }: BalancerPlace,
  names: readonly string[],
) {
  const pem = join(folder, 'pem');
  writeFileSync(pem, certificate.cert + readFileSync(join(folder, 'key'), 'utf8'));
  const shipped = configuration('cluster/haproxy.cfg', [
    // These three need root, and the fourth more descriptors than a test has.
    ['    user haproxy\n', ''],
    ['    group haproxy\n', ''],
    ['    chroot /var/lib/haproxy\n', ''],
    ['maxconn 100000', 'maxconn 1000'],
    ['hard-stop-after 10s', 'hard-stop-after 1s'],
    ['/etc/haproxy/certs/proxy.example.org.pem', pem],
    [' :443', ` 127.0.0.1:${port}`],
    [':::443', `::1:${port}`],
  ]);
  let text = placed(shipped, ports);
  if (way === 'cookie' || way === 'round robin')
    text = replaced(text, /balance hdr\(wsproxy-session\)\n *hash-type consistent/g, 'balance roundrobin');
  if (way === 'header' || way === 'round robin')
    text = replaced(replaced(text, /^ *cookie wsproxy-node .*\n/gm, ''), / cookie \w+$/gm, '');
  if (isWary === true)
    text = replaced(text, 'default-server ', 'default-server observe layer7 error-limit 1 on-error mark-down ');
  const file = join(folder, 'haproxy.cfg');
  const write = (of: readonly string[]) => writeFileSync(file, onlyNodes(text, /^ *server \w+ ([\d.]+):.*\n?/gm, of));
  write(names);
  const haproxy = await startUntilListening('haproxy', ['-W', '-f', file], port);
  return {
    said: () => haproxy.stderr,
    async setNodes(of: readonly string[]) {
      write(of);
      const before = haproxy.stderr.length;
      haproxy.signal('SIGUSR2');
      await expect.poll(() => haproxy.stderr.slice(before), { timeout: 10_000 }).toMatch(/Loading success/);
    },
  };
}

async function startNginx({ folder, port, ports, certificate, way }: BalancerPlace, names: readonly string[]) {
  const shipped = configuration('cluster/nginx.conf', [
    ['/var/log/nginx/', `${folder}/`],
    ['worker_rlimit_nofile 200000;', ''],
    ['worker_connections 100000', 'worker_connections 1000'],
    ['worker_shutdown_timeout 10s', 'worker_shutdown_timeout 1s'],
    ['/etc/letsencrypt/live/proxy.example.org/fullchain.pem', certificate.file],
    ['/etc/letsencrypt/live/proxy.example.org/privkey.pem', join(folder, 'key')],
    ['proxy.example.org', 'localhost'],
    ['[::]:443', `[::1]:${port}`],
    ['listen 443', `listen 127.0.0.1:${port}`],
  ]);
  let text = placed(shipped, ports);
  if (way === 'cookie' || way === 'round robin') text = replaced(text, /^ *hash .*\n/gm, '');
  if (way === 'cookie') {
    const [blocks = '', proxy = '', ...others] = codeBlocks('scaling.md', 'nginx');
    expect(others).toEqual([]);
    text = replaced(text, /^(?= *upstream wsproxy \{)/gm, placed(blocks, ports));
    text = replaced(text, /^ *proxy_pass http:\/\/wsproxy;\n/gm, proxy);
  }
  const write = (of: readonly string[]) =>
    prepareNginx(folder, onlyNodes(text, /^ *server ([\d.]+):\d+ max_fails.*\n/gm, of));
  const nginx = await startUntilListening('nginx', write(names), port);
  return {
    said: () => nginx.stderr,
    async setNodes(of: readonly string[]) {
      write(of);
      const before = nginx.stderr.length;
      nginx.signal('SIGHUP');
      await expect.poll(() => nginx.stderr.slice(before), { timeout: 10_000 }).toMatch(/start worker process/);
    },
  };
}

async function startCaddy({ folder, port, ports, certificate, way }: BalancerPlace, names: readonly string[]) {
  const admin = `localhost:${await freePort()}`;
  const shipped = configuration('cluster/Caddyfile', [
    ['grace_period 10s', `grace_period 10s\n\tadmin ${admin}\n\tauto_https disable_redirects`],
    ['proxy.example.org {', `https://localhost:${port} {\n\ttls ${certificate.file} ${join(folder, 'key')}`],
    ['health_port 9091', `health_port ${ports.health}`],
  ]);
  const policy = { cookie: 'cookie wsproxy-node a-secret', 'round robin': 'round_robin' };
  let text = placed(shipped, ports);
  if (way === 'cookie' || way === 'round robin')
    text = replaced(text, /lb_policy header .*$/gm, `lb_policy ${policy[way]}`);
  const file = join(folder, 'Caddyfile');
  const write = (of: readonly string[]) =>
    writeFileSync(file, onlyNodes(text, new RegExp(` ([\\d.]+):${ports.tunnel}`, 'g'), of));
  write(names);
  const about = ['--config', file, '--adapter', 'caddyfile'];
  const caddy = await startUntilListening('caddy', ['run', ...about], port);
  return {
    said: () => caddy.stderr,
    async setNodes(of: readonly string[]) {
      write(of);
      const { code, stderr } = await run('caddy', ['reload', ...about, '--address', admin, '--force']);
      expect(code, stderr).toBe(0);
    },
  };
}

async function startEnvoy({ folder, port, ports, certificate, way }: BalancerPlace, names: readonly string[]) {
  const [file, nodes] = [join(folder, 'envoy.yaml'), join(folder, 'envoy-nodes.yaml')];
  const shipped = configuration('cluster/envoy.yaml', [
    ['/etc/envoy/envoy-nodes.yaml', nodes],
    ['/etc/envoy/certs/proxy.example.org.pem', certificate.file],
    ['/etc/envoy/certs/proxy.example.org.key', join(folder, 'key')],
    ['address: "::", port_value: 443, ipv4_compat: true', `address: 127.0.0.1, port_value: ${port}`],
  ]);
  let config = placed(shipped, ports);
  if (way === 'cookie' || way === 'round robin') config = replaced(config, 'RING_HASH', 'ROUND_ROBIN');
  if (way === 'cookie') {
    const [filter = '', ...others] = codeBlocks('scaling.md', 'yaml').filter((block) =>
      block.includes('stateful_session'),
    );
    expect(others).toEqual([]);
    config = replaced(config, /^(?= *- name: envoy\.filters\.http\.router$)/gm, filter);
  }
  const admin = await freePort();
  writeFileSync(
    file,
    `${config}\nadmin: { address: { socket_address: { address: 127.0.0.1, port_value: ${admin} } } }\n`,
  );
  const text = placed(configuration('cluster/envoy-nodes.yaml', []), ports)
    .replaceAll('port_value: 8080', `port_value: ${ports.tunnel}`)
    .replaceAll('port_value: 9091', `port_value: ${ports.health}`);
  const write = (of: readonly string[]) => {
    writeFileSync(`${nodes}.new`, onlyNodes(text, /^ *- endpoint:\n.*address: ([\d.]+),.*\n.*\n/gm, of));
    renameSync(`${nodes}.new`, nodes);
  };
  write(names);
  const envoy = await startUntilListening('envoy', ['-c', file, '--use-dynamic-base-id', '--concurrency', '2'], port);
  const known = async (): Promise<Set<string>> => {
    const response = await fetch(`http://127.0.0.1:${admin}/clusters`, { headers: { connection: 'close' } });
    return new Set((await response.text()).match(/(?<=^wsproxy::)[\d.]+(?=:\d+::)/gm));
  };
  return {
    said: () => envoy.stderr,
    async setNodes(of: readonly string[]) {
      write(of);
      await expect.poll(known, { timeout: 10_000 }).toEqual(new Set(of.map(addressOf)));
    },
  };
}
