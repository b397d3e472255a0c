/**
 * Every way in which a channel can fail: one row each, and the only place that knows how a failure is told to whom.
 *
 * - `system`: what the operating system says of the same, for programs that ask a socket;
 * - `wire`: the code in OPEN_FAIL and RESET frames (PROTOCOL.md, "Failure codes");
 * - `socks5`: the REP byte of RFC 1928 section 6 (SOCKS4 knows only 0x5b, "rejected or failed");
 * - `http`: the status of the answer to CONNECT or to a proxied request;
 * - `proxyStatus`: the error token of the Proxy-Status header (RFC 9209 section 2.3).
 */
export const FAILURES = {
  INTERNAL: {
    wire: 1,
    system: 'ECONNABORTED',
    socks5: 0x01,
    http: 502,
    proxyStatus: 'proxy_internal_error',
    text: 'internal error',
  },
  DENIED: {
    wire: 2,
    system: 'EACCES',
    socks5: 0x02,
    http: 403,
    proxyStatus: 'destination_ip_prohibited',
    text: 'destination not allowed',
  },
  NETWORK_UNREACHABLE: {
    wire: 3,
    system: 'ENETUNREACH',
    socks5: 0x03,
    http: 502,
    proxyStatus: 'destination_ip_unroutable',
    text: 'network unreachable',
  },
  HOST_UNREACHABLE: {
    wire: 4,
    system: 'EHOSTUNREACH',
    socks5: 0x04,
    http: 502,
    proxyStatus: 'destination_unavailable',
    text: 'host unreachable',
  },
  CONNECTION_REFUSED: {
    wire: 5,
    system: 'ECONNREFUSED',
    socks5: 0x05,
    http: 502,
    proxyStatus: 'connection_refused',
    text: 'connection refused',
  },
  DIAL_TIMEOUT: {
    wire: 6,
    system: 'ETIMEDOUT',
    socks5: 0x06,
    http: 504,
    proxyStatus: 'connection_timeout',
    text: 'connection timed out',
  },
  NAME_NOT_FOUND: {
    wire: 7,
    system: 'ENOTFOUND',
    socks5: 0x04,
    http: 502,
    proxyStatus: 'dns_error',
    text: 'host name not found',
  },
  NAME_LOOKUP_FAILED: {
    wire: 8,
    system: 'EAI_AGAIN',
    socks5: 0x04,
    http: 502,
    proxyStatus: 'dns_error',
    text: 'host name lookup failed',
  },
  NAME_LOOKUP_TIMEOUT: {
    wire: 9,
    system: 'EAI_AGAIN',
    socks5: 0x04,
    http: 504,
    proxyStatus: 'dns_timeout',
    text: 'host name lookup timed out',
  },
  BAD_TARGET: {
    wire: 10,
    system: 'EINVAL',
    socks5: 0x04,
    http: 400,
    proxyStatus: 'http_request_error',
    text: 'not a valid host and port',
  },
  LIMIT_REACHED: {
    wire: 11,
    system: 'EAGAIN',
    socks5: 0x01,
    http: 503,
    proxyStatus: 'connection_limit_reached',
    text: 'limit reached',
  },
  CONNECTION_RESET: {
    wire: 12,
    system: 'ECONNRESET',
    socks5: 0x01,
    http: 502,
    proxyStatus: 'connection_terminated',
    text: 'connection reset',
  },
  CANCELLED: {
    wire: 13,
    system: 'ECONNABORTED',
    socks5: 0x01,
    http: 502,
    proxyStatus: 'connection_terminated',
    text: 'cancelled',
  },
  TIMED_OUT: {
    wire: 14,
    system: 'ETIMEDOUT',
    socks5: 0x01,
    http: 504,
    proxyStatus: 'connection_timeout',
    text: 'nothing moved for too long',
  },
  SESSION_LOST: {
    wire: 15,
    system: 'ECONNRESET',
    socks5: 0x01,
    http: 503,
    proxyStatus: 'connection_terminated',
    text: 'session lost',
  },
  TUNNEL_DOWN: {
    wire: 16,
    system: 'ENETUNREACH',
    socks5: 0x01,
    http: 503,
    proxyStatus: 'destination_unavailable',
    text: 'tunnel down',
  },
  GOING_AWAY: {
    wire: 17,
    system: 'ECONNREFUSED',
    socks5: 0x01,
    http: 503,
    proxyStatus: 'destination_unavailable',
    text: 'server going away',
  },
  QUOTA_USED_UP: {
    wire: 18,
    system: 'EACCES',
    socks5: 0x02,
    http: 403,
    proxyStatus: 'http_request_denied',
    text: 'the bytes of this month are used up, counting begins again on the first of the next (UTC)',
  },
  UNSUPPORTED: {
    wire: 19,
    system: 'EOPNOTSUPP',
    socks5: 0x07,
    http: 501,
    proxyStatus: 'proxy_configuration_error',
    text: 'not supported by the server',
  },
  ADDRESS_IN_USE: {
    wire: 20,
    system: 'EADDRINUSE',
    socks5: 0x01,
    http: 502,
    proxyStatus: 'proxy_internal_error',
    text: 'address already in use',
  },
  TAKEN_OVER: {
    wire: 21,
    system: 'ECONNABORTED',
    socks5: 0x01,
    http: 502,
    proxyStatus: 'proxy_internal_error',
    text: 'taken over by another client of the same user',
  },
} as const;

/** The stable name of a failure; `TunnelError.code`, log field and table key alike. */
export type FailureCode = keyof typeof FAILURES;

const byWire = new Map<number, FailureCode>(
  Object.entries(FAILURES).map(([code, row]) => [row.wire, code as FailureCode]),
);

/** A code of a later version is still a failure, only an unnamed one. */
export function failureFromWire(wire: number): FailureCode {
  return byWire.get(wire) ?? 'INTERNAL';
}
