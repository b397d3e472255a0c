import { FAILURES, type FailureCode, type TunnelError } from 'wsproxy-engine';

/**
 * As Node says it of a socket of its own. Programs and libraries ask for `code` and `syscall`: whether to try again, and
 * whether a reset while they close is worth telling.
 */
export function systemError(cause: TunnelError, isConnecting: boolean): Error {
  const { system } = FAILURES[cause.code];
  const syscall = isConnecting ? connecting(cause.code) : 'read';
  return Object.assign(new Error(`${syscall} ${system} ${cause.message}`, { cause }), { code: system, syscall });
}

function connecting(code: FailureCode): 'connect' | 'getaddrinfo' {
  return code.startsWith('NAME_') ? 'getaddrinfo' : 'connect';
}
