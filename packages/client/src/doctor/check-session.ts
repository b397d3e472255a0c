import { CloseCode } from 'wsproxy-engine';
import type { ConnectError } from 'wsproxy-engine/connector';
import { ProxyError } from 'wsproxy-node/dial/upstream';
import { ACCOUNT } from '../account/ask-quota.js';
import type { ServerAddress } from '../reach/connect-transport.js';
import type { Way } from '../reach/ways.js';
import { failedAtProxy } from './check-proxy.js';
import { THROUGHPUT } from './check-throughput.js';
import { BY_ITSELF, type Finding, fail, failed, ok, skip, toTenths, warn } from './finding.js';
import { type Opened, openFirst } from './open-first.js';
import { NoSessionError, ProbeSession } from './probe-session.js';

/**
 * The request for a transport, with the token: what the path, the token and anything that stands before the server make of it, and by
 * which of `ways` it gets through.
 */
export async function checkHttp(
  ways: readonly Way[],
  server: ServerAddress,
  signal: AbortSignal,
): Promise<[Finding, Opened?]> {
  const { opened, failure } = await openFirst(ways, server, signal);
  if (opened === undefined) return [failure === undefined ? skip('not reached') : failureOf(failure, server)];
  const { name, kind } = opened.way;
  if (failure !== undefined) return [warn(`${failure.what}; ${insteadOf(name)}`, failure.cure ?? BY_ITSELF), opened];
  const text = kind === 'ws' ? 'the WebSocket is open, with subprotocol wsproxy.v1' : `the way is open: ${name}`;
  return [ok(text), opened];
}

function insteadOf(name: string): string {
  return `the client uses ${name} instead`;
}

function failureOf(error: ConnectError, { reach }: ServerAddress): Finding {
  if (error.cause instanceof ProxyError) return failedAtProxy(error, reach.names);
  const isUnavailable = error.status !== undefined && OF_A_PROXY.has(error.status);
  return { ...(isUnavailable && { cure: UNAVAILABLE }), ...failed(error) };
}

/** What a reverse proxy says of a server that does not answer (RFC 9110 sections 15.6.3 to 15.6.5). */
const OF_A_PROXY: ReadonlySet<number> = new Set([502, 503, 504]);
const UNAVAILABLE =
  'a reverse proxy answers, and the server behind it does not: look whether it runs, and where it listens';

/** Whether the server begins a session; by a way of `openNext` where what has opened lets nothing through. */
export async function checkSession(
  first: Opened,
  openNext: (failed: Way) => Promise<Opened | undefined>,
): Promise<[Finding, Begun?]> {
  let failure: NoSessionError | undefined;
  for (let opened: Opened | undefined = first; opened !== undefined; opened = await openNext(opened.way)) {
    const { transport, way, identity } = opened;
    try {
      const probe = await ProbeSession.begin(transport, { key: identity.key });
      return [begun(first.way, failure, way), { probe, way, identity }];
    } catch (error) {
      if (!(error instanceof NoSessionError)) throw error;
      failure ??= error;
      if (!error.isSilence) {
        failure = error;
        break;
      }
    }
  }
  const cure = failure?.code === CloseCode.tryAgainLater ? FEWER : 'look into its log: it says why';
  return [fail(`the server began no session: ${failure?.message}`, cure)];
}

/** A session, the way that carries it, and what it is called. */
export interface Begun extends Pick<Opened, 'way' | 'identity'> {
  readonly probe: ProbeSession;
}

function begun(first: Way, failure: NoSessionError | undefined, { name }: Way): Finding {
  if (failure === undefined) return ok('the server has begun a session');
  return warn(`${first.name} opens, but nothing comes by it: ${failure.message}; ${insteadOf(name)}`, BY_ITSELF);
}

/** The server has as many sessions as it takes, of this user or of all (PROTOCOL.md section 10). */
const FEWER =
  'end other clients of this user, or ask the operator for a higher --max-sessions-per-user or --max-sessions; sessions of clients that were killed count until --grace ends';

const SAMPLES = 5;
/** A spread beyond this is felt at a keyboard, ms. */
const UNSTEADY = 200;

/** How long an answer takes through the whole way. */
export async function checkRoundTrip(probe: ProbeSession): Promise<Finding> {
  const samples: number[] = [];
  // Anyone who does not know the name asks nameservers for it.
  const target = probe.tellsAccount ? ACCOUNT : THROUGHPUT;
  for (let n = 0; n < SAMPLES; n++) samples.push((await probe.ask(target)).ms);
  const sorted = samples.map(toTenths).sort((a, b) => a - b);
  const [shortest = 0, median = 0, longest = 0] = [sorted[0], sorted[SAMPLES >> 1], sorted[SAMPLES - 1]];
  const text = `${median} ms, from ${shortest} to ${longest}`;
  const figures = { medianMs: median, minMs: shortest, maxMs: longest };
  if (longest - shortest < UNSTEADY) return ok(text, figures);
  return warn(text, 'an unsteady path: a busy line or bad radio reception; somebody may be filling it', figures);
}
