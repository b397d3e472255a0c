import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { freePort } from '../sockets/listen.js';
import { temporaryFolder } from '../temporary-folder.js';
import { Program } from './program.js';
import { untilAnswers } from './until-answers.js';

/** Of every proxy here. */
export const CREDENTIALS = 'user:of-the-proxy';

/** A real HTTP proxy that wants the credentials; `config` is added to its configuration. */
export async function startTinyproxy(config: readonly string[] = []): Promise<number> {
  const port = await freePort();
  const file = join(temporaryFolder(), 'tinyproxy.conf');
  const basics = [`Port ${port}`, 'Listen 127.0.0.1', 'Timeout 600', 'LogLevel Error', 'MaxClients 50'];
  writeFileSync(file, [...basics, `BasicAuth ${CREDENTIALS.replace(':', ' ')}`, ...config, ''].join('\n'));
  await untilAnswers(new Program('tinyproxy', ['-d', '-c', file]), port);
  return port;
}

/** A real SOCKS5 proxy that wants the credentials. */
export async function startMicrosocks(): Promise<number> {
  const port = await freePort();
  const [user = '', password = ''] = CREDENTIALS.split(':');
  const args = ['-i', '127.0.0.1', '-p', String(port), '-u', user, '-P', password];
  await untilAnswers(new Program('microsocks', args), port);
  return port;
}
