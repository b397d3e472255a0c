import { join } from 'node:path';
import { temporaryFolder } from '../temporary-folder.js';
import { Program, run } from './program.js';

/** A real Redis on a Unix socket of its own, which a test stops, starts, holds still and fills. */
export class RedisProgram {
  readonly folder: string = temporaryFolder();
  readonly socket: string = join(this.folder, 'redis.sock');
  readonly url: string = `unix://${this.socket}`;
  #server: Program | undefined;

  /** `settings`: of redis-server, besides. What was kept in the folder is there again. */
  async start(...settings: readonly string[]): Promise<void> {
    const place = ['--port', '0', '--unixsocket', this.socket, '--dir', this.folder];
    const server = new Program('redis-server', [...place, '--save', '', '--appendonly', 'no', ...settings]);
    this.#server = server;
    await server.untilStdout(/(ready|Ready) to accept connections/);
  }

  /** As a crash does it: nothing is written. */
  async kill(): Promise<void> {
    this.signal('SIGKILL');
    await this.#server?.ended;
  }

  /** SIGSTOP, for one that does not answer, and SIGCONT. */
  signal(signal: NodeJS.Signals): void {
    this.#server?.signal(signal);
  }

  /** What redis-cli answers. */
  async cli(...command: readonly string[]): Promise<string> {
    const { stdout } = await run('redis-cli', ['-s', this.socket, ...command]);
    return stdout.trim();
  }
}
