import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Authority } from 'wsproxy-test-support/authority';
import { atEnd } from 'wsproxy-test-support/cleanup/at-end';
import { type Listening, start } from 'wsproxy-test-support/programs/command-line';
import { CuttingRelay } from 'wsproxy-test-support/sockets/cutting-relay';
import { freePort } from 'wsproxy-test-support/sockets/listen';
import { temporaryFolder } from 'wsproxy-test-support/temporary-folder';

/** `wsproxy-server` several times, each of which knows the others by --peer. */
export function startNodes(...names: readonly string[]): Promise<Listening[]> {
  return startNodesWith([], ...names);
}

/** The same, with these arguments besides. */
export async function startNodesWith(args: readonly string[], ...names: readonly string[]): Promise<Listening[]> {
  const folder = temporaryFolder();
  const authority = new Authority('cluster');
  atEnd(() => authority.remove());
  const inFolder = (name: string, text: string): string => {
    writeFileSync(join(folder, name), text, { mode: 0o600 });
    return join(folder, name);
  };
  const ca = inFolder('ca', authority.cert);
  const doors = await Promise.all(names.map(async (name) => ({ name, port: await freePort() })));
  return Promise.all(
    doors.map(({ name, port }) => {
      const { cert, key } = authority.issue(name);
      const others = doors.filter((other) => other.name !== name);
      const door = ['--node', name, '--cluster-listen', `127.0.0.1:${port}`, '--cluster-ca', ca];
      const own = ['--cluster-cert', inFolder(`${name}.crt`, cert), '--cluster-key', inFolder(`${name}.key`, key)];
      const peers = others.flatMap((other) => ['--peer', `${other.name}=127.0.0.1:${other.port}`]);
      return start('wsproxy-server', [...door, ...own, ...peers, '--allow-private', '--log-level', 'debug', ...args]);
    }),
  );
}

/** A balancer that takes each connection to the next of `ports`, no matter who makes it. */
export async function startRoundRobin(ports: readonly number[]): Promise<CuttingRelay> {
  let turn = 0;
  const relay = new CuttingRelay(ports[0] ?? 0);
  relay.onConnection = () => {
    turn += 1;
    relay.target = ports[turn % ports.length] ?? 0;
  };
  return relay.start();
}

/** How often a node has said this. */
export function countOf({ program }: Listening, pattern: RegExp): number {
  return program.stderr.match(new RegExp(pattern, 'g'))?.length ?? 0;
}
