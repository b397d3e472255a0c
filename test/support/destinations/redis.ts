import { Program } from '../programs/program.js';
import { freePort } from '../sockets/listen.js';
import { temporaryFolder } from '../temporary-folder.js';

/** A real Redis that keeps nothing. */
export async function startRedis(): Promise<number> {
  const port = await freePort();
  const settings = ['--bind', '127.0.0.1', '--port', String(port), '--save', '', '--appendonly', 'no'];
  const server = new Program('redis-server', settings, { cwd: temporaryFolder() });
  await server.untilStdout(/Ready to accept connections/);
  return port;
}
