import { writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import { freePort } from '../sockets/listen.js';
import { temporaryFolder } from '../temporary-folder.js';
import { until } from '../until.js';
import { Program } from './program.js';

/** Of every proxy here. */
export const CREDENTIALS = 'user:of-the-proxy';

/** A real HTTP proxy that wants the credentials; `config` is added to its configuration. */
export async function startTinyproxy(config: readonly string[] = []): Promise<number> {
  const port = await freePort();
  const file = join(temporaryFolder(), 'tinyproxy.conf');
  const basics = [`Port ${port}`, 'Listen 127.0.0.1', 'Timeout 600', 'LogLevel Error', 'MaxClients 50'];
  writeFileSync(file, [...basics, `BasicAuth ${CREDENTIALS.replace(':', ' ')}`, ...config, ''].join('\n'));
  return untilListening(new Program('tinyproxy', ['-d', '-c', file]), port);
}

/** A real SOCKS5 proxy that wants the credentials. */
export async function startMicrosocks(): Promise<number> {
  const port = await freePort();
  const [user = '', password = ''] = CREDENTIALS.split(':');
  const args = ['-i', '127.0.0.1', '-p', String(port), '-u', user, '-P', password];
  return untilListening(new Program('microsocks', args), port);
}

async function untilListening(program: Program, port: number): Promise<number> {
  await until(`${program.child.spawnfile} listens`, () => {
    if (program.child.exitCode !== null) throw new Error(`it has ended: ${program.stdout}${program.stderr}`);
    return answers(port);
  });
  return port;
}

function answers(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1');
    socket.once('connect', () => socket.destroy());
    socket.once('error', () => {});
    socket.once('close', (hadError) => resolve(!hadError));
  });
}
