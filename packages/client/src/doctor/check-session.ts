import { CloseCode, systemMemory, type Transport } from 'wsproxy-engine';
import { ACCOUNT } from '../account/ask-quota.js';
import { ConnectError } from '../reach/connect-error.js';
import { connectTransport, type ServerAddress } from '../reach/connect-transport.js';
import { THROUGHPUT } from './check-throughput.js';
import { type Finding, fail, failed, ok, toTenths, warn } from './finding.js';
import type { ProbeIdentity } from './probe-identity.js';
import { NoSessionError, ProbeSession } from './probe-session.js';

/** The upgrade, with the token: what the path, the token and anything that stands before the server make of it. */
export async function checkHttp(
  server: ServerAddress,
  signal: AbortSignal,
  { wayBack }: ProbeIdentity,
): Promise<[Finding, Transport?]> {
  try {
    const transport = await connectTransport(server, signal, systemMemory, { wayBack });
    return [ok('the WebSocket is open, with subprotocol wsproxy.v1'), transport];
  } catch (error) {
    if (!(error instanceof ConnectError)) throw error;
    const isUnavailable = error.status !== undefined && OF_A_PROXY.has(error.status);
    return [{ ...(isUnavailable && { cure: UNAVAILABLE }), ...failed(error) }];
  }
}

/** What a reverse proxy says of a server that does not answer (RFC 9110 sections 15.6.3 to 15.6.5). */
const OF_A_PROXY: ReadonlySet<number> = new Set([502, 503, 504]);
const UNAVAILABLE =
  'a reverse proxy answers, and the server behind it does not: look whether it runs, and where it listens';

/** Whether the server begins a session. */
export async function checkSession(transport: Transport, { key }: ProbeIdentity): Promise<[Finding, ProbeSession?]> {
  try {
    const session = await ProbeSession.begin(transport, { key });
    return [ok('the server has begun a session'), session];
  } catch (error) {
    if (!(error instanceof NoSessionError)) throw error;
    const cure = error.code === CloseCode.tryAgainLater ? FEWER : 'look into its log: it says why';
    return [fail(`the server began no session: ${error.message}`, cure)];
  }
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
