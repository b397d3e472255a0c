import { ExitCode, ExitError } from 'wsproxy-cli';
import { OptionError } from 'wsproxy-node/options';
import type { Client, InspectOptions } from '../index.js';

/** Begins to look into what `--inspect` names; rejects with ExitError when the CA, the script or the archive cannot be used. */
export async function beginInspect(client: Pick<Client, 'inspect'>, options: InspectOptions): Promise<void> {
  try {
    await client.inspect(options);
  } catch (error) {
    if (error instanceof OptionError && error.option === 'script') {
      throw new ExitError(ExitCode.usage, `--inspect-script: ${error.problem}`, { cause: error });
    }
    throw new ExitError(ExitCode.failed, `--inspect: ${(error as Error).message}`, { cause: error });
  }
}
