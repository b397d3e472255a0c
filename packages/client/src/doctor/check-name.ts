import { lookup } from 'node:dns/promises';
import { isIP } from 'node:net';
import type { ServerAddress } from '../reach/connect-transport.js';
import { firstHop } from '../reach/open-socket.js';
import { type Finding, fail, ok, skip } from './finding.js';

/** Whether the name of the first machine on the way has an address: the proxy's, where there is one. */
export async function checkName(server: ServerAddress): Promise<Finding> {
  const { host, port } = firstHop(server.url, server.reach);
  if (isIP(host) !== 0) return skip(`${host} is an address`);
  const known = server.reach.addresses.get(`${host}:${port}`);
  if (known !== undefined)
    return ok(`the address of ${host} is ${known}, as ${server.reach.names.resolve} says`, { addresses: [known] });
  const { family = 0 } = server.reach;
  try {
    const addresses = (await lookup(host, { all: true, family })).map(({ address }) => address);
    return ok(`the address of ${host} is ${addresses.join(', ')}`, { addresses });
  } catch (error) {
    const { code = 'error' } = error as NodeJS.ErrnoException;
    if (code === 'EAI_AGAIN') {
      return fail(
        `the nameserver does not answer for ${host} (${code})`,
        'check the network and the nameserver of this machine',
      );
    }
    const text = `the name ${host} has no address${family === 0 ? '' : ` of IPv${family}`} (${code})`;
    return fail(text, 'check the name in the URL for typing errors');
  }
}
