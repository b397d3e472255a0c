import { chmodSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { atEnd } from 'wsproxy-test-support/cleanup/at-end';
import { Program } from 'wsproxy-test-support/programs/program';
import { untilAnswers } from 'wsproxy-test-support/programs/until-answers';
import { freePort } from 'wsproxy-test-support/sockets/listen';
import { temporaryFolder } from 'wsproxy-test-support/temporary-folder';

/** Squid, which lets those through alone whom the authenticators know; `auth`: their lines in its configuration. */
export async function startCompanyProxy(auth: string): Promise<number> {
  const [folder, port] = [temporaryFolder(), await freePort()];
  const file = join(folder, 'squid.conf');
  const config = `http_port 127.0.0.1:${port}
${auth}
acl known proxy_auth REQUIRED
http_access allow known
http_access deny all
cache deny all
access_log none
cache_log ${folder}/cache.log
pid_filename ${folder}/squid.pid
coredump_dir ${folder}
shutdown_lifetime 0 seconds
pinger_enable off
netdb_filename none
`;
  writeFileSync(file, config);
  await running(new Program('squid', ['-N', '-f', file]), port);
  return port;
}

/** px, which logs in at the proxy for others on this machine. */
export async function startPx(
  proxyPort: number,
  args: readonly string[],
  env: Readonly<Record<string, string>>,
): Promise<number> {
  const port = await freePort();
  const all = [`--proxy=localhost:${proxyPort}`, `--port=${port}`, '--noproxy=', ...args];
  await running(new Program('px', all, { env, cwd: temporaryFolder() }), port);
  return port;
}

/** A folder that squid's own user may look into. */
export function openFolder(): string {
  const folder = temporaryFolder();
  chmodSync(folder, 0o755);
  return folder;
}

export async function running(program: Program, port: number): Promise<void> {
  atEnd(async () => {
    program.signal('SIGTERM');
    await program.ended;
  });
  await untilAnswers(program, port);
}
