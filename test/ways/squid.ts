import { chmodSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { atEnd } from 'wsproxy-test-support/cleanup/at-end';
import { Program } from 'wsproxy-test-support/programs/program';
import { untilAnswers } from 'wsproxy-test-support/programs/until-answers';
import { freePort } from 'wsproxy-test-support/sockets/listen';
import { temporaryFolder } from 'wsproxy-test-support/temporary-folder';

/** Rules by which no tunnel leads to the port of a test. */
export const NO_TUNNELS =
  'acl tunnels port 443\nacl CONNECT method CONNECT\nhttp_access deny CONNECT !tunnels\nhttp_access allow all';

/** Squid, which lets through what `rules`, lines of its configuration, allow. Returns its port. */
export async function startSquid(rules: string): Promise<number> {
  const [folder, port] = [temporaryFolder(), await freePort()];
  const file = join(folder, 'squid.conf');
  const config = `http_port 127.0.0.1:${port}
${rules}
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
  // What it shares in memory is named after its service: another one at the same time has another name.
  await running(new Program('squid', ['-N', '-n', `squid${port}`, '-f', file]), port);
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
