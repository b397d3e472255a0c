import { request } from 'node:http';
import { boundInterim } from 'wsproxy-node/sockets';
import type { ServerAddress } from '../reach/connect-transport.js';
import { openRaw, secure } from '../reach/open-socket.js';
import { DOCTOR_AGENT } from '../reach/user-agent.js';
import { type Finding, ok, skip, warn } from './finding.js';

/**
 * How far the clock of this machine is from that of the server or of the reverse proxy before it, as far as an answer
 * tells: wsproxy-server itself does not. Asked without token and without trust.
 */
export async function checkClock(server: ServerAddress, signal: AbortSignal, timeout: number): Promise<Finding> {
  try {
    const date = await askDate(server, AbortSignal.any([signal, AbortSignal.timeout(timeout)]), timeout);
    if (Number.isNaN(date)) return skip('no answer tells the time');
    // The header counts whole seconds, as of when the answer began.
    const skewMs = Math.round(Date.now() - date - 500);
    if (Math.abs(skewMs) <= TOLERANCE) return ok('this machine and the server agree on the time', { skewMs });
    const seconds = Math.round(Math.abs(skewMs) / 1000);
    return warn(
      `the clock of this machine is ${seconds} s ${skewMs > 0 ? 'ahead of' : 'behind'} the server's`,
      'set the clock (timedatectl set-ntp true): certificates are judged by it',
      { skewMs },
    );
  } catch {
    return skip('no answer tells the time');
  }
}

/** Of all interim responses, bytes. */
const MAX_INTERIM = 16_384;
/** A clock that is off by more than this makes certificates look expired, or not valid yet, ms. */
const TOLERANCE = 120_000;

async function askDate({ url, reach }: ServerAddress, signal: AbortSignal, timeout: number): Promise<number> {
  const raw = await openRaw(url, reach, signal, timeout);
  const socket = url.protocol === 'wss:' ? await secure(raw, url, reach, signal, { verify: false }) : raw;
  try {
    return await new Promise((resolve, reject) => {
      const asking = request({
        method: 'HEAD',
        path: '/',
        host: url.hostname,
        headers: { 'user-agent': DOCTOR_AGENT },
        createConnection: () => socket.resume(),
        signal,
      });
      boundInterim(asking, MAX_INTERIM, () => asking.destroy(new Error('nothing but interim responses')));
      // For good: what breaks behind the answer must not end the process.
      asking.on('error', reject).once('response', ({ headers }) => resolve(Date.parse(headers.date ?? '')));
      // Of an answer that changes the protocol, which nobody asked for, Node tells nothing, and closes.
      socket.once('close', () => reject(new Error('no answer')));
      asking.end();
    });
  } finally {
    socket.destroy();
  }
}
