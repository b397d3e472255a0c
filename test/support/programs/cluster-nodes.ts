import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Authority } from '../authority.js';
import { atEnd } from '../cleanup/at-end.js';
import { freePort } from '../sockets/listen.js';
import { temporaryFolder } from '../temporary-folder.js';
import { type Listening, start } from './command-line.js';

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
