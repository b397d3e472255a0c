import { chmodSync, chownSync, readdirSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Certificate } from '../certificate.js';
import { atEnd } from '../cleanup/at-end.js';
import { Program, run } from '../programs/program.js';
import { freePort } from '../sockets/listen.js';
import { temporaryFolder } from '../temporary-folder.js';
import { until } from '../until.js';

const VERSIONS = '/usr/lib/postgresql';

/** Where Debian has the programs of PostgreSQL, which are not in PATH; a path that does not exist when it is missing. */
export function postgresProgram(name: string): string {
  try {
    return join(VERSIONS, readdirSync(VERSIONS).sort().at(-1) ?? '', 'bin', name);
  } catch {
    return join(VERSIONS, name);
  }
}

/** A real PostgreSQL with an empty database; the URL that leads there, user `postgres`, without a password. */
export async function startPostgres(certificate?: Certificate): Promise<string> {
  const [folder, port] = [temporaryFolder(), await freePort()];
  const data = join(folder, 'data');
  // It refuses to run as root.
  const as = process.geteuid?.() === 0 ? ['setpriv', '--reuid=postgres', '--regid=postgres', '--clear-groups'] : [];
  chmodSync(folder, 0o777);
  const initdb = [...as, postgresProgram('initdb'), '-D', data, '-U', 'postgres', '-A', 'trust', '--no-sync'];
  const { code, stderr } = await run(initdb[0] ?? '', initdb.slice(1), { cwd: folder });
  if (code !== 0) throw new Error(`initdb: ${stderr}`);
  const settings = ['-h', '127.0.0.1', '-p', String(port), '-k', folder, '-F', '-c', 'shared_buffers=1MB'];
  if (certificate !== undefined) settings.push('-c', 'ssl=on', ...certificateIn(data, certificate));
  const start = [...as, postgresProgram('postgres'), '-D', data, ...settings];
  const server = new Program(start[0] ?? '', start.slice(1), { cwd: folder });
  // Killed, it would leave its workers behind.
  atEnd(async () => {
    server.signal('SIGINT');
    await server.ended;
  });
  await until('PostgreSQL is ready', () => server.stderr.includes('ready to accept connections'), 20_000);
  return `postgres://postgres@127.0.0.1:${port}/postgres`;
}

/** The settings for a certificate whose files belong to the one who owns the data. */
function certificateIn(data: string, { cert, key }: Certificate): string[] {
  const { uid, gid } = statSync(data);
  return Object.entries({ ssl_cert_file: cert, ssl_key_file: key }).flatMap(([name, pem]) => {
    const file = join(data, `${name}.pem`);
    writeFileSync(file, pem, { mode: 0o600 });
    chownSync(file, uid, gid);
    return ['-c', `${name}=${file}`];
  });
}
