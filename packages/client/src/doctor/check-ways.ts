import { CloseCode, systemMemory } from 'wsproxy-engine';
import { type OpenTransport, openHttp, openWebSocket, openWebSocketOverHttp2 } from 'wsproxy-node/transports';
import { ACCOUNT } from '../account/ask-quota.js';
import { ConnectError } from '../reach/connect-error.js';
import { connectTransport, type ServerAddress } from '../reach/connect-transport.js';
import { THROUGHPUT } from './check-throughput.js';
import { type Finding, ok, skip, toTenths, warn } from './finding.js';
import { ProbeIdentity } from './probe-identity.js';
import { NoSessionError, ProbeSession } from './probe-session.js';

/** Which ways to the server work, each with a session of its own, and how fast they are. */
export async function checkWays(server: ServerAddress, signal: AbortSignal): Promise<Finding> {
  const results: Result[] = [];
  // One after the other: the server may not have room for more sessions of this user.
  for (const [name, open] of waysFor(server.url)) results.push(await tryWay(name, open, server, signal));
  if (results.some(({ isFull }) => isFull)) return skip('the server takes no more sessions of this user now');
  const working = results.filter(({ times }) => times !== undefined);
  const failing = results.filter(({ times }) => times === undefined).map(({ name }) => name);
  const figures = Object.fromEntries(
    working.flatMap(({ name, times: { openMs, roundTripMs } = NO_TIMES }) => [
      [`${name}: openMs`, openMs],
      [`${name}: roundTripMs`, roundTripMs],
    ]),
  );
  const list = working.map(
    ({ name, times: { openMs, roundTripMs } = NO_TIMES }) => `${name} ${openMs} + ${roundTripMs}`,
  );
  const [first] = results;
  if (working.length === 0) return skip('no way to the server works');
  if (failing.length === 0) return ok(`all work; opening + round trip in ms: ${list.join(', ')}`, figures);
  const text = `opening + round trip in ms: ${list.join(', ')}; without success: ${failing.join(', ')}`;
  return first?.times === undefined ? warn(text, USES_OTHER, figures) : ok(text, figures);
}

async function tryWay(name: string, open: OpenTransport, server: ServerAddress, signal: AbortSignal): Promise<Result> {
  const { wayBack, key } = new ProbeIdentity();
  const began = performance.now();
  try {
    const transport = await connectTransport(server, signal, systemMemory, { wayBack, open, timeout: TIMEOUT });
    const openMs = toTenths(performance.now() - began);
    const probe = await ProbeSession.begin(transport, { key });
    try {
      const { ms } = await probe.ask(probe.tellsAccount ? ACCOUNT : THROUGHPUT, TIMEOUT);
      return { name, times: { openMs, roundTripMs: toTenths(ms) } };
    } finally {
      probe.end();
    }
  } catch (error) {
    const isFull =
      (error instanceof ConnectError && error.status === 429) ||
      (error instanceof NoSessionError && error.code === CloseCode.tryAgainLater);
    return { name, isFull };
  }
}

/** As the client tries them, the best first: HTTP/2 is spoken in TLS alone. */
function waysFor({ protocol }: URL): readonly (readonly [name: string, open: OpenTransport])[] {
  return [
    ['WebSocket', openWebSocket],
    ...(protocol === 'wss:' ? ([['WebSocket over HTTP/2', openWebSocketOverHttp2]] as const) : []),
    ['HTTP', openHttp({ down: 'stream', up: 'stream' })],
    ['HTTP polling', openHttp({ down: 'poll', up: 'stream' })],
  ];
}

interface Result {
  readonly name: string;
  /** There was no room for one more session. */
  readonly isFull?: boolean;
  /** Undefined for one that does not work. */
  readonly times?: { readonly openMs: number; readonly roundTripMs: number };
}

const NO_TIMES = { openMs: 0, roundTripMs: 0 };
/** For each way, to open and to answer, ms. */
const TIMEOUT = 3_000;
const USES_OTHER = 'the client uses the next way by itself, unless --transport ws forbids it; HTTP takes more CPU';
