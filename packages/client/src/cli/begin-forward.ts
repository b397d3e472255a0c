import type { Client } from '../index.js';
import type { Forward } from './forward.js';
import type { BegunForward } from './forwards.js';
import { openPort } from './open-port.js';

/** Begins a -L of `client`; rejects with ExitError. */
export function beginForward(client: Pick<Client, 'forward'>): (forward: Forward) => Promise<BegunForward> {
  return async ({ at, target }) => {
    const { port, where } = await openPort(at, '-L', () => client.forward({ ...at, target }));
    return {
      name: `${where} to ${target}`,
      async end() {
        // Flows of datagrams have no end of their own, and their socket would keep the port.
        if (target.endsWith('/udp')) await port.close();
        else port.stop();
      },
    };
  };
}
