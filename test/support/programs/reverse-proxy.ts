import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { type Certificate, makeCertificate } from '../certificate.js';
import { atEnd } from '../cleanup/at-end.js';
import { freePort } from '../sockets/listen.js';
import { temporaryFolder } from '../temporary-folder.js';
import { until } from '../until.js';
import { start } from './command-line.js';
import { Program, run } from './program.js';

/** What a reverse proxy needs to be told to run in a test. */
export interface Place {
  readonly folder: string;
  /** Where it is to listen with TLS, and where the server does. */
  readonly port: number;
  readonly serverPort: number;
  readonly certificate: Certificate;
}

/** Starts a reverse proxy, and gives how to reload it. */
export type StartProxy = (place: Place) => Promise<{ reload(): unknown }>;

/** A file of deploy/ with other values in it. A value that is not there any more fails the test. */
export function configuration(name: string, values: readonly (readonly [from: string, to: string])[]): string {
  const file = fileURLToPath(new URL(`../../../deploy/${name}`, import.meta.url));
  return values.reduce(
    (text, [from, to]) => {
      if (!text.includes(from)) throw new Error(`deploy/${name} does not say ${from}`);
      return text.replaceAll(from, to);
    },
    readFileSync(file, 'utf8'),
  );
}

/** The real server, with `more` on its command line, behind the real reverse proxy, and where a client reaches it. */
export async function startBehind(startProxy: StartProxy, more: readonly string[] = []) {
  const folder = temporaryFolder();
  const [certificate, port, server] = await Promise.all([
    makeCertificate(folder, 'DNS:localhost', 1),
    freePort(),
    start('wsproxy-server', ['--allow-private', '--path', '/tunnel', '--trusted-proxy', '127.0.0.1', ...more]),
  ]);
  const { reload } = await startProxy({ folder, port, serverPort: server.port, certificate });
  const trusted = { NODE_EXTRA_CA_CERTS: certificate.file };
  return { folder, port, server: server.program, url: `wss://localhost:${port}/tunnel`, trusted, reload };
}

/** Starts a program that says nothing when it is ready; it is once its port answers. */
export async function startUntilListening(command: string, args: readonly string[], port: number): Promise<Program> {
  const program = new Program(command, args);
  // Killed, it would leave its workers behind.
  atEnd(async () => {
    program.signal('SIGTERM');
    await program.ended;
  });
  const answers = async () => (await run('curl', ['-ks', `https://localhost:${port}/`])).code === 0;
  try {
    await until(`${command} answers`, answers, 10_000);
  } catch (error) {
    throw new Error(`${command}: ${program.stderr}`, { cause: error });
  }
  return program;
}
