import { CuttingRelay } from '../sockets/cutting-relay.js';
import { until } from '../until.js';
import { type CommandOptions, type Listening, start } from './command-line.js';
import type { Program } from './program.js';

const LISTENS = /"the server listens"/g;

/** A server that lets its clients listen, and a relay before it. */
export interface FarEnd {
  readonly server: Listening;
  readonly relay: CuttingRelay;
  /** By the relay. */
  readonly url: string;
}

export async function startFarEnd(args: readonly string[] = [], options: CommandOptions = {}): Promise<FarEnd> {
  const server = await start('wsproxy-server', ['--reverse', ...args], options);
  const relay = await startRelay(server);
  return { server, relay, url: urlOf(relay) };
}

/** One more way to a server. */
export function startRelay({ port }: Listening): Promise<CuttingRelay> {
  return new CuttingRelay(port).start();
}

export function urlOf({ port }: { readonly port: number }): string {
  return `ws://127.0.0.1:${port}/`;
}

/** A client, once everything that it was given with `-R` listens at the server. */
export async function startListening(
  url: string,
  forwards: readonly string[],
  { args = [], ...options }: CommandOptions & { readonly args?: readonly string[] } = {},
): Promise<Program> {
  const { program } = await start('wsproxy-client', [url, ...forwards.flatMap((one) => ['-R', one]), ...args], options);
  const listening = () => program.stderr.match(LISTENS)?.length ?? 0;
  try {
    await until('it listens', () => listening() === forwards.length);
  } catch (error) {
    throw new Error(`-R ${forwards.join(' -R ')}: ${program.stderr}`, { cause: error });
  }
  return program;
}
