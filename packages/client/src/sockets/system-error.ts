import { FAILURES, type FailureCode, type Target, type TunnelError } from 'wsproxy-engine';

/**
 * As Node says it of a socket of its own. Programs and libraries ask for `code` and `syscall`: whether to try again, and
 * whether a reset while they close is worth telling. `connecting`: where to, while it is not connected yet; the address is
 * that which was asked for.
 */
export function systemError(cause: TunnelError, connecting: Target | undefined): Error {
  const { system } = FAILURES[cause.code];
  const details = connecting === undefined ? ({ syscall: 'read' } as const) : detailsOf(cause.code, connecting);
  return Object.assign(new Error(`${details.syscall} ${system} ${cause.message}`, { cause }), {
    code: system,
    ...details,
  });
}

function detailsOf(code: FailureCode, { host, port }: Target) {
  return code.startsWith('NAME_')
    ? { syscall: 'getaddrinfo', hostname: host }
    : { syscall: 'connect', address: host, port };
}
