import { randomBytes } from 'node:crypto';
import { FAILURES, formatTarget, type OfferedChannel, type Peer, TunnelError } from 'wsproxy-engine';
import { ChannelStream } from 'wsproxy-node/relay';
import { type Finding, ok, skip, toTenths, warn } from './finding.js';
import type { ListenAnswer, ProbeSession } from './probe-session.js';

/**
 * Whether the server listens for its user, and whether a connection that comes there comes here. That it does not may be what
 * its operator wants. Leaves nothing listening.
 */
export async function checkListening(probe: ProbeSession): Promise<[listening: Finding, arrivals: Finding]> {
  const answer = await probe.askListener(`doctor/${randomBytes(8).toString('hex')}`, echo);
  try {
    if (answer.address === undefined) return [notListening(answer), skip('the server does not listen')];
    const figures = { address: formatTarget(answer.address), openedMs: toTenths(answer.ms) };
    return [
      ok(`the server listens for this user: on ${figures.address} just now`, figures),
      await tryPort(probe, answer.address),
    ];
  } finally {
    answer.close();
  }
}

function notListening({ outcome }: ListenAnswer): Finding {
  if (outcome === 'UNSUPPORTED') return skip('no remote listeners: the server offers none (--reverse), or is too old');
  if (outcome === 'DENIED') return skip('no remote listeners: its rules do not let this user listen on 127.0.0.1');
  const text = outcome === 'open' ? '' : FAILURES[outcome].text;
  return warn(`no remote listener now: ${text}`, 'see the log of the server, and its limits (docs/limits.md)');
}

/** Comes to the port from the server itself, as far as that dials its own ports. */
async function tryPort(probe: ProbeSession, address: Peer): Promise<Finding> {
  const start = performance.now();
  const stream = probe.open(address);
  const late = setTimeout(() => stream.destroy(new TunnelError('DIAL_TIMEOUT')), PATIENCE);
  try {
    const word = randomBytes(16);
    stream.end(word);
    const heard = Buffer.concat(await stream.toArray());
    if (!heard.equals(word))
      return warn('somebody else answers at this port', 'see what else listens there at the server');
    const answeredMs = toTenths(performance.now() - start);
    return ok(`a connection to it comes here, and its answer back, after ${answeredMs} ms`, { answeredMs });
  } catch (error) {
    const { code, message } = error as TunnelError;
    if (code === 'DENIED') return skip('not tried: the server dials no port of its own for this user');
    return warn(`nobody answers at the port that the server listens on: ${message}`, 'see the log of the server');
  } finally {
    clearTimeout(late);
    stream.destroy();
  }
}

/** Answers what has come with the same. */
function echo(channel: OfferedChannel): void {
  channel.accept();
  const stream = new ChannelStream(channel, { allowHalfOpen: true });
  stream.on('error', () => {});
  stream.pipe(stream);
}

/** For the way to the port and back, ms. */
const PATIENCE = 10_000;
