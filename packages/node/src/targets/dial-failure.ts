import type { FailureCode } from 'wsproxy-engine';
import { TunnelError } from 'wsproxy-engine';

/** What the system's answer to getaddrinfo(3) or connect(2) means to the one who asked for the destination. */
const FAILURE_OF_ERRNO: Readonly<Record<string, FailureCode>> = {
  ENOTFOUND: 'NAME_NOT_FOUND',
  EAI_AGAIN: 'NAME_LOOKUP_FAILED',
  ECONNREFUSED: 'CONNECTION_REFUSED',
  ECONNRESET: 'CONNECTION_RESET',
  ETIMEDOUT: 'DIAL_TIMEOUT',
  ENETUNREACH: 'NETWORK_UNREACHABLE',
  ENETDOWN: 'NETWORK_UNREACHABLE',
  // The host has no address of that family at all.
  EAFNOSUPPORT: 'NETWORK_UNREACHABLE',
  EHOSTUNREACH: 'HOST_UNREACHABLE',
  EHOSTDOWN: 'HOST_UNREACHABLE',
  // ICMPv6 "administratively prohibited" (RFC 4443 section 3.1): a firewall on the way.
  EACCES: 'HOST_UNREACHABLE',
  // A link-local address without the interface it belongs to.
  EINVAL: 'HOST_UNREACHABLE',
  // A firewall on this host.
  EPERM: 'DENIED',
  // Out of descriptors, of memory, or of local ports.
  EMFILE: 'LIMIT_REACHED',
  ENFILE: 'LIMIT_REACHED',
  ENOMEM: 'LIMIT_REACHED',
  ENOBUFS: 'LIMIT_REACHED',
  EAGAIN: 'LIMIT_REACHED',
  EADDRNOTAVAIL: 'LIMIT_REACHED',
  EADDRINUSE: 'LIMIT_REACHED',
};

/** From "the destination answered" down to "nothing is known of it". */
const MOST_INFORMATIVE_FIRST: readonly FailureCode[] = [
  'CONNECTION_REFUSED',
  'CONNECTION_RESET',
  'LIMIT_REACHED',
  'DENIED',
  'DIAL_TIMEOUT',
  'HOST_UNREACHABLE',
  'NETWORK_UNREACHABLE',
  'NAME_NOT_FOUND',
  'NAME_LOOKUP_FAILED',
];

/** One error for all attempts at a target: the most informative code, and a message that names every attempt. */
export function dialFailure(errors: readonly NodeJS.ErrnoException[]): TunnelError {
  const codes = errors.map((error) => FAILURE_OF_ERRNO[error.code ?? '']);
  const code = MOST_INFORMATIVE_FIRST.find((candidate) => codes.includes(candidate)) ?? 'INTERNAL';
  return new TunnelError(code, errors.map((error) => error.message).join('; '), { cause: errors[0] });
}
