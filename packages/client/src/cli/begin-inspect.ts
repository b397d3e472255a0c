import { ExitCode, ExitError } from 'wsproxy-cli';
import type { Client, InspectOptions } from '../index.js';

/** Begins to look into what `--inspect` names; rejects with ExitError when the CA cannot be used. */
export async function beginInspect(client: Pick<Client, 'inspect'>, options: InspectOptions): Promise<void> {
  try {
    await client.inspect(options);
  } catch (error) {
    throw new ExitError(ExitCode.failed, `--inspect: ${(error as Error).message}`, { cause: error });
  }
}
