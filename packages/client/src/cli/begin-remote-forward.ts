import { ExitCode, ExitError } from 'wsproxy-cli';
import type { Client } from '../index.js';
import type { BegunForward } from './forwards.js';
import { optionsOf, type RemoteForward, type RemoteForwardFlags } from './remote-forward.js';

/**
 * Begins a -R of `client`, which tells by itself how it stands. Rejects with ExitError; unless it keeps trying, for as long as
 * the program runs, also when the server refuses it.
 */
export function beginRemoteForward(
  client: Pick<Client, 'forwardRemote'>,
  flags: RemoteForwardFlags,
  { keepTrying }: { readonly keepTrying: boolean },
): (forward: RemoteForward) => Promise<BegunForward> {
  return async (forward) => {
    const name = `-R ${forward.text}`;
    try {
      const listener = await client.forwardRemote({ ...optionsOf(forward, flags), keepTrying });
      return { name, end: () => listener.close() };
    } catch (error) {
      throw new ExitError(ExitCode.failed, `${name}: ${(error as Error).message}`, { cause: error });
    }
  };
}
