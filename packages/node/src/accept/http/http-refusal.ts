import { type IncomingMessage, STATUS_CODES } from 'node:http';
import { FAILURES, type FailureCode } from 'wsproxy-engine';
import type { LocalConnection } from '../local-connection.js';

/** A final answer of our own; the connection closes behind it. */
export interface HttpRefusal {
  readonly status: number;
  /** One constant sentence: whoever asks learns the cause and nothing else. */
  readonly text: string;
  readonly headers?: readonly string[];
}

/** What a request can be refused for before any channel is opened. */
export const REFUSALS = {
  MALFORMED: { status: 400, text: 'malformed request' },
  NOT_A_PROXY_REQUEST: { status: 400, text: 'not a proxy request' },
  BAD_VERSION: { status: 400, text: 'HTTP version must be 1.0 or 1.1' },
  BAD_HOST_HEADER: { status: 400, text: 'there must be one Host header' },
  BAD_AUTHORITY: { status: 400, text: 'CONNECT takes host:port' },
  BODY_ON_CONNECT: { status: 400, text: 'CONNECT takes no content' },
  BAD_URI: { status: 400, text: 'not a valid http:// URI' },
  LOOP: { status: 400, text: 'the target is this proxy' },
  FROM_A_PAGE: { status: 403, text: 'not for web pages' },
  NEEDS_PASSWORD: {
    status: 407,
    text: 'user and password needed',
    headers: ['Proxy-Authenticate: Basic realm="wsproxy", charset="UTF-8"'],
  },
  BAD_METHOD: {
    status: 405,
    text: 'method not allowed',
    headers: ['Allow: CONNECT, GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS'],
  },
  TOO_SLOW: { status: 408, text: 'the request took too long' },
  BAD_EXPECTATION: { status: 417, text: 'expectation not supported' },
  HEADERS_TOO_LARGE: { status: 431, text: 'more than 16 KiB or 100 fields of headers' },
  NEEDS_CONNECT: { status: 501, text: 'only http:// URIs are forwarded, use CONNECT for anything else' },
  BAD_TRANSFER_CODING: { status: 501, text: 'transfer coding not supported' },
  NO_RESPONSE: {
    status: 502,
    text: 'the destination closed the connection without a response',
    headers: ['Proxy-Status: wsproxy; error=http_response_incomplete'],
  },
  BAD_RESPONSE: {
    status: 502,
    text: 'the response of the destination is malformed',
    headers: ['Proxy-Status: wsproxy; error=http_protocol_error'],
  },
} as const;

/** Seconds; about what a lost tunnel needs to come back. */
const RETRY_AFTER = 5;

/** How a failed channel is told to an HTTP client (RFC 9209 for Proxy-Status). */
export function refusalOf(code: FailureCode): HttpRefusal {
  const { http, proxyStatus, text } = FAILURES[code];
  const headers = [`Proxy-Status: wsproxy; error=${proxyStatus}`];
  if (http === 503) headers.push(`Retry-After: ${RETRY_AFTER}`);
  return { status: http, text, headers };
}

/**
 * The whole response. No version banner and no Access-Control header: any web page may ask a loopback port, and must
 * learn nothing from it.
 *
 * @param method of the request; the response to HEAD has no content.
 */
export function encodeRefusal(refusal: HttpRefusal, method?: string): string {
  const body = `${refusal.text}\n`;
  const head = [
    `HTTP/1.1 ${refusal.status} ${STATUS_CODES[refusal.status] ?? 'Unknown'}`,
    'Content-Type: text/plain',
    'X-Content-Type-Options: nosniff',
    `Content-Length: ${body.length}`,
    'Connection: close',
    ...(refusal.headers ?? []),
  ];
  return `${head.join('\r\n')}\r\n\r\n${method === 'HEAD' ? '' : body}`;
}

/** Answers `request`, or input that never became one, and closes; nothing behind it is looked at (RFC 9931). */
export function refuseHttp(connection: LocalConnection, refusal: HttpRefusal, request?: IncomingMessage): void {
  connection.refuse(refusal.text, encodeRefusal(refusal, request?.method));
  // Content that nobody reads would stop the reading of the socket.
  request?.resume();
}
