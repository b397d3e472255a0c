import { CloseCode, systemMemory } from 'wsproxy-engine';
import { ConnectError } from 'wsproxy-engine/connector';
import { ACCOUNT } from '../account/ask-quota.js';
import { connectTransport, type ServerAddress } from '../reach/connect-transport.js';
import type { OptionNames } from '../reach/option-names.js';
import type { TransportChoice } from '../reach/transport-choice.js';
import { type Way, waysFor } from '../reach/ways.js';
import { THROUGHPUT } from './check-throughput.js';
import { type Finding, ok, skip, toTenths, warn } from './finding.js';
import { openerOf } from './open-first.js';
import { ProbeIdentity } from './probe-identity.js';
import { NoSessionError, ProbeSession } from './probe-session.js';

/**
 * Which ways to the server work, each with a session of its own, and how fast they are. `choice`: those that the client may use; the
 * others are tried, too.
 */
export async function checkWays(server: ServerAddress, signal: AbortSignal, choice: TransportChoice): Promise<Finding> {
  const results: Result[] = [];
  // One after the other: the server may not have room for more sessions of this user.
  for (const way of waysFor('auto', server.url)) results.push(await tryWay(way, server, signal));
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
  if (working.length === 0) return skip('no way to the server works');
  if (failing.length === 0) return ok(`all work; opening + round trip in ms: ${list.join(', ')}`, figures);
  const text = `opening + round trip in ms: ${list.join(', ')}; without success: ${failing.join(', ')}`;
  const names = waysFor(choice, server.url).map(({ name }) => name);
  const isWorking = (name: string | undefined): boolean => working.some((result) => result.name === name);
  if (isWorking(names[0])) return ok(text, figures);
  return warn(text, names.some(isWorking) ? USES_OTHER : mayUse(server.reach.names), figures);
}

async function tryWay(way: Way, server: ServerAddress, signal: AbortSignal): Promise<Result> {
  const { name } = way;
  const open = openerOf(way);
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
const USES_OTHER = 'the client uses the next way by itself; HTTP takes more CPU';

function mayUse({ transport }: OptionNames): string {
  return `the client uses them with ${transport}`;
}
