import { formatTarget } from 'wsproxy-engine';
import type { ServerAddress } from '../reach/connect-transport.js';
import { connectTo, firstHop } from '../reach/open-socket.js';
import { type Finding, fail, ok } from './finding.js';

/** Whether the first machine on the way takes a connection. `timeout` in ms. */
export async function checkTcp(server: ServerAddress, signal: AbortSignal, timeout: number): Promise<Finding> {
  const hop = firstHop(server.url, server.reach);
  const name = formatTarget(hop);
  const start = performance.now();
  try {
    const socket = await connectTo(hop, server.reach, AbortSignal.any([signal, AbortSignal.timeout(timeout)]));
    const connectMs = Math.round(performance.now() - start);
    const { remoteAddress = '' } = socket;
    socket.destroy();
    return ok(`${name} takes connections, after ${connectMs} ms`, { connectMs, address: remoteAddress });
  } catch (error) {
    const { code = '', message } = error as NodeJS.ErrnoException;
    if (signal.aborted || (code === '' && performance.now() - start >= timeout)) {
      return fail(
        `no answer from ${name} within ${timeout / 1000} s`,
        'a firewall drops it, or the machine is off: check the address and port, from another network too',
      );
    }
    const [say, cure, cureOfProxy] = CAUSES[code] ?? UNKNOWN;
    const { proxy, names } = server.reach;
    return fail(`${say(name)} (${code || message})`, (proxy && cureOfProxy?.(names.proxy)) ?? cure);
  }
}

/** The first machine is the server, or the proxy that `option` names. */
type Cause = readonly [say: (name: string) => string, cure: string, cureOfProxy?: (option: string) => string];

const askAboutProxy = (option: string): string =>
  `check ${option}, HTTPS_PROXY and ALL_PROXY, or ask who runs the proxy`;

const UNKNOWN: Cause = [(name) => `no connection to ${name}`, 'check the address and port in the URL', askAboutProxy];
const CAUSES: Readonly<Record<string, Cause>> = {
  ECONNREFUSED: [
    (name) => `nothing listens at ${name}`,
    'start the server or its reverse proxy there, or check the port in the URL',
    (option) => `start the proxy there, or check ${option}, HTTPS_PROXY and ALL_PROXY`,
  ],
  ECONNRESET: [
    (name) => `somebody resets connections to ${name}`,
    'a firewall, or a server that is starting: try again, then ask it',
    askAboutProxy,
  ],
  EHOSTUNREACH: [(name) => `no way leads to the host of ${name}`, 'check the address, and the network of this machine'],
  ENETUNREACH: [
    (name) => `no way leads to the network of ${name}`,
    'check the network of this machine, or try -4 or -6',
  ],
};
