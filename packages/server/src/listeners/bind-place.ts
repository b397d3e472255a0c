import { type FailureCode, TunnelError } from 'wsproxy-engine';
import type { User } from '../users/user.js';
import { portsToTry } from './choose-port.js';
import type { Claim } from './claim.js';
import type { Arrivals, Held, Hold } from './held.js';
import type { ListenerService } from './listener-service.js';
import { hasPorts, type ListenPlace, leavesPortToServer } from './rules/listen-place.js';

/** Takes the place that a claim wants, or another port there if that is taken and any will do. Rejects with TunnelError. */
export async function bindPlace(service: ListenerService, claim: Claim, arrivals: Arrivals): Promise<Held> {
  const { wanted: place, listener, session } = claim;
  if (place === undefined) throw new TunnelError('INTERNAL', 'nobody has judged where to listen');
  const { anyPort } = listener.request;
  const inherited = await service.holds.inherit?.(place, anyPort, arrivals);
  if (inherited !== undefined) return inherited;
  try {
    if (!leavesPortToServer(place)) return await bindAt(service, session.user, place, arrivals);
  } catch (error) {
    const failure = asFailure(error);
    if (!hasPorts(place) || !anyPort || !ANOTHER_MAY_DO.has(failure.code)) throw failure;
  }
  for (const port of portsToTry(service.rights.portsToChoose(session.user, place))) {
    try {
      return await bindAt(service, session.user, { ...place, port }, arrivals);
    } catch (error) {
      const failure = asFailure(error);
      if (!ANOTHER_MAY_DO.has(failure.code)) throw failure;
    }
  }
  throw new TunnelError('ADDRESS_IN_USE', 'every port that was tried is in use');
}

/** Of those that a client may choose from, this one is not free, or not for this user. */
const ANOTHER_MAY_DO: ReadonlySet<FailureCode> = new Set<FailureCode>(['ADDRESS_IN_USE', 'DENIED']);

async function bindAt(
  { rights, holds, isOwn }: ListenerService,
  user: User,
  place: ListenPlace,
  arrivals: Arrivals,
): Promise<Held> {
  if (!rights.allows(user, place)) throw new TunnelError('DENIED', 'denied:listen');
  if (isOwn(place)) throw new TunnelError('DENIED', 'denied:own-listener');
  const hold: Hold | undefined = holds[place.kind];
  if (hold === undefined) throw new TunnelError('UNSUPPORTED');
  return hold(place, arrivals);
}

/** What the system's answer to bind(2) and listen(2) means to anyone who wants to listen. */
const FAILURE_OF_ERRNO: Readonly<Record<string, FailureCode>> = {
  EADDRINUSE: 'ADDRESS_IN_USE',
  // A file that is no socket.
  EEXIST: 'ADDRESS_IN_USE',
  EACCES: 'DENIED',
  EPERM: 'DENIED',
  EROFS: 'DENIED',
  // This host has no such address, or no such folder.
  EADDRNOTAVAIL: 'BAD_TARGET',
  EAFNOSUPPORT: 'BAD_TARGET',
  EINVAL: 'BAD_TARGET',
  ENOENT: 'BAD_TARGET',
  ENOTDIR: 'BAD_TARGET',
  ELOOP: 'BAD_TARGET',
  ENAMETOOLONG: 'BAD_TARGET',
  EMFILE: 'LIMIT_REACHED',
  ENFILE: 'LIMIT_REACHED',
  ENOMEM: 'LIMIT_REACHED',
  ENOBUFS: 'LIMIT_REACHED',
};

export function asFailure(error: unknown): TunnelError {
  if (error instanceof TunnelError) return error;
  const { code = '', message = String(error) } = error as NodeJS.ErrnoException;
  return new TunnelError(FAILURE_OF_ERRNO[code] ?? 'INTERNAL', message, { cause: error });
}
