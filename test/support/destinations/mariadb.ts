import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Certificate } from '../certificate.js';
import { atEnd } from '../cleanup/at-end.js';
import { Program, run } from '../programs/program.js';
import { freePort } from '../sockets/listen.js';
import { temporaryFolder } from '../temporary-folder.js';
import { until } from '../until.js';

/** Where Debian has it, which is not in every PATH. */
export const MARIADB = '/usr/sbin/mariadbd';

/** A real MariaDB without a database; user `root`, without a password. */
export async function startMariadb({ cert, key }: Certificate): Promise<number> {
  const [folder, port] = [temporaryFolder(), await freePort()];
  const files = { 'ssl-cert': cert, 'ssl-key': key };
  for (const [name, pem] of Object.entries(files)) writeFileSync(join(folder, name), pem, { mode: 0o600 });
  const common = ['--no-defaults', `--datadir=${join(folder, 'data')}`, '--innodb-log-file-size=4M'];
  // It refuses to be root unless told.
  if (process.geteuid?.() === 0) common.push('--user=root');
  const install = [...common, '--auth-root-authentication-method=normal', '--skip-test-db'];
  const { code, stderr } = await run('mariadb-install-db', install, { cwd: folder, timeout: 60_000 });
  if (code !== 0) throw new Error(`mariadb-install-db: ${stderr}`);
  const ways = ['--bind-address=127.0.0.1', `--port=${port}`, `--socket=${join(folder, 'socket')}`];
  const tls = Object.keys(files).map((name) => `--${name}=${join(folder, name)}`);
  const server = new Program(MARIADB, [...common, ...ways, ...tls], { cwd: folder });
  atEnd(async () => {
    server.signal('SIGTERM');
    await server.ended;
  });
  await until('MariaDB is ready', () => server.stderr.includes('ready for connections'), 30_000);
  return port;
}
