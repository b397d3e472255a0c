import { chmodSync, mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { atEnd } from '../cleanup/at-end.js';
import { prepareNginx } from '../programs/nginx.js';
import { Program } from '../programs/program.js';
import { untilAnswers } from '../programs/until-answers.js';
import { freePort } from '../sockets/listen.js';
import { temporaryFolder } from '../temporary-folder.js';

export interface NginxFiles {
  readonly port: number;
  /** What it gives, and what was uploaded. */
  readonly files: string;
  /** The log: a line for each request. */
  log(): readonly string[];
}

/**
 * A real nginx on a free port that takes files by PUT and gives them. With `proxy_protocol` it takes no connection without
 * that head, and logs the addresses that stand in it: whose, and where to.
 */
export async function startNginxFiles(listening: '' | 'proxy_protocol' = ''): Promise<NginxFiles> {
  const [folder, port] = [temporaryFolder(), await freePort()];
  const [files, access] = [join(folder, 'files'), join(folder, 'access.log')];
  mkdirSync(files);
  // Its workers may be another user's.
  for (const place of [folder, files]) chmodSync(place, 0o777);
  const addresses = ['addr', 'port', 'server_addr', 'server_port'].map((name) => `$proxy_protocol_${name}`).join(' ');
  const lines = [
    `log_format addresses '${addresses}';`,
    `access_log ${access} addresses;`,
    'client_max_body_size 0;',
    `server { listen 127.0.0.1:${port} ${listening}; root ${files}; dav_methods PUT; }`,
  ];
  const nginx = new Program('nginx', prepareNginx(folder, `events {}\nhttp {\n${lines.join('\n')}\n}\n`));
  // Killed, it would leave its workers behind.
  atEnd(async () => {
    nginx.signal('SIGTERM');
    await nginx.ended;
  });
  await untilAnswers(nginx, port);
  return { port, files, log: () => readFileSync(access, 'utf8').split('\n').slice(0, -1) };
}
