import { type Channel, type FailureCode, TunnelError } from 'wsproxy-engine';
import { joinStreams } from 'wsproxy-node/sockets';
import { type CallDesk, type CallWish, type Found, movesOn } from './calls/call-desk.js';
import { ClientStream } from './calls/client-stream.js';
import { OpenError } from './calls/open-error.js';
import type { CallErrand } from './cluster/errand.js';
import type { AskedErrand } from './cluster/errand-desk.js';
import { type Errands, UnreachableError } from './cluster/errands.js';
import type { Route } from './cluster/route.js';

/**
 * Asks `others`, the processes that may have a session of the user, to call its client: one after the other, so that no two clients get
 * one call. What comes of it is as if the session were here.
 */
export async function callElsewhere(
  { user, service, allowHalfOpen }: CallWish,
  others: readonly Route[],
  errands: Pick<Errands, 'send' | 'isReached'>,
  signal: AbortSignal,
): Promise<Found> {
  const toStream = (channel: Channel, { session }: { readonly session?: unknown }) =>
    new ClientStream(channel, { user, session: String(session), service }, { allowHalfOpen });
  let found: Found = 'nobody';
  // One that has died is known to the store for a while, and takes long to say nothing.
  const ordered = others.toSorted((a, b) => Number(errands.isReached(b)) - Number(errands.isReached(a)));
  for (const route of ordered) {
    try {
      return await errands.send(route, { kind: 'call', user, service }, toStream, signal);
    } catch (error) {
      if (signal.aborted) throw error;
      const came = outcomeOf(error);
      if (came !== 'away' && came !== 'nobody' && !movesOn(came)) return came;
      // One that is away may come back, no matter what the others say.
      if (found !== 'away' && came !== 'nobody') found = came;
    }
  }
  return found;
}

/** Calls a client here, for another process. */
export async function serveCall(
  { user, service }: CallErrand,
  { signal, begin, refuse }: AskedErrand,
  desk: Pick<CallDesk, 'openHere'>,
): Promise<void> {
  try {
    const stream = await desk.openHere(user, service, signal);
    const far = begin({ session: stream.session });
    // With the reason, for which a loss alone has no words.
    stream.on('error', (error) => far.destroy(error));
    far.on('error', (error) => stream.destroy(error));
    joinStreams(stream, far);
  } catch (error) {
    refuse(refusalOf(error));
  }
}

/** How one process tells the other what no client has said. */
const NOBODY: FailureCode = 'NAME_NOT_FOUND';
const AWAY: FailureCode = 'TUNNEL_DOWN';

function refusalOf(error: unknown): FailureCode {
  if (!(error instanceof OpenError)) return 'CANCELLED';
  if (error.code === 'NOT_CONNECTED') return NOBODY;
  return error.code === 'SERVER_CLOSED' ? 'GOING_AWAY' : error.code;
}

function outcomeOf(error: unknown): FailureCode | 'away' | 'nobody' {
  // As long as the store knows it, its clients may be about to come back.
  if (error instanceof UnreachableError) return 'away';
  if (!(error instanceof TunnelError)) return 'INTERNAL';
  if (error.code === NOBODY) return 'nobody';
  return error.code === AWAY ? 'away' : error.code;
}
