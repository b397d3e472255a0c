import type { FailureCode } from 'wsproxy-engine';
import { CloseReason } from './packets.js';

/** The reason of CLOSE for a stream that could not be opened, or has failed. */
export function reasonOf(code: FailureCode): number {
  return REASONS[code];
}

/** What a failure that a client says itself is to the destination; undefined for an end. */
export function failureOf(reason: number): FailureCode | undefined {
  return reason === CloseReason.networkError || reason === CloseReason.clientError ? 'CONNECTION_RESET' : undefined;
}

const REASONS: Readonly<Record<FailureCode, number>> = {
  INTERNAL: CloseReason.unknown,
  DENIED: CloseReason.blocked,
  NETWORK_UNREACHABLE: CloseReason.unreachable,
  HOST_UNREACHABLE: CloseReason.unreachable,
  CONNECTION_REFUSED: CloseReason.refused,
  DIAL_TIMEOUT: CloseReason.connectTimeout,
  NAME_NOT_FOUND: CloseReason.unreachable,
  NAME_LOOKUP_FAILED: CloseReason.unreachable,
  NAME_LOOKUP_TIMEOUT: CloseReason.connectTimeout,
  BAD_TARGET: CloseReason.invalid,
  LIMIT_REACHED: CloseReason.throttled,
  CONNECTION_RESET: CloseReason.networkError,
  CANCELLED: CloseReason.networkError,
  TIMED_OUT: CloseReason.dataTimeout,
  SESSION_LOST: CloseReason.networkError,
  TUNNEL_DOWN: CloseReason.networkError,
  GOING_AWAY: CloseReason.throttled,
  QUOTA_USED_UP: CloseReason.throttled,
  UNSUPPORTED: CloseReason.invalid,
  ADDRESS_IN_USE: CloseReason.unknown,
  TAKEN_OVER: CloseReason.unknown,
};
