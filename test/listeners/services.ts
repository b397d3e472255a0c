import { startNginxFiles } from 'wsproxy-test-support/destinations/nginx-files';
import { postgresProgram, startPostgres } from 'wsproxy-test-support/destinations/postgres';
import { SSHD, startSshd } from 'wsproxy-test-support/destinations/sshd';
import { type Ended, run } from 'wsproxy-test-support/programs/program';

/** What the services need on a machine, and those who use them. */
export const PROGRAMS: readonly string[] = [SSHD, 'ssh', 'nginx', 'curl', postgresProgram('postgres'), 'psql'];

/** A service, and a program that uses it. */
export interface Service {
  readonly port: number;
  /** Has the bytes of a file brought to the service by way of another port, and back again into a copy. */
  use(port: number, source: string, copy: string): Promise<Ended>;
}

/** A real sshd, used by `ssh`. */
async function startShell(): Promise<Service> {
  const sshd = await startSshd();
  const use: Service['use'] = (port, source, copy) =>
    sh('exec ssh "$@" 127.0.0.1 cat <"$source" >"$copy"', { source, copy }, sshd.options(port));
  return { port: sshd.port, use };
}

/** A real nginx, used by `curl`. */
async function startWeb(): Promise<Service> {
  const { port: own } = await startNginxFiles();
  let uploads = 0;
  const use: Service['use'] = (port, source, copy) => {
    uploads += 1;
    const line = 'curl -sS --fail -T "$source" "$1" && exec curl -sS --fail -o "$copy" "$1"';
    return sh(line, { source, copy }, [`http://127.0.0.1:${port}/${uploads}`]);
  };
  return { port: own, use };
}

/** A real PostgreSQL, used by `psql`: a piece of the file in each question, and in each answer. */
async function startDatabase(): Promise<Service> {
  const url = new URL(await startPostgres());
  const use: Service['use'] = (port, source, copy) => {
    const to = Object.assign(new URL(url), { port: String(port) });
    const input = `\\lo_import '${source}'\n\\lo_export :LASTOID '${copy}'\n`;
    return run('psql', ['--no-psqlrc', '-q', '-v', 'ON_ERROR_STOP=1', to.href], { input });
  };
  return { port: Number(url.port), use };
}

/** All of them. */
export function startServices(): Promise<readonly Service[]> {
  return Promise.all([startShell(), startWeb(), startDatabase()]);
}

function sh(line: string, env: Readonly<Record<string, string>>, args: readonly string[]): Promise<Ended> {
  return run('sh', ['-c', line, 'sh', ...args], { env });
}
