import { STATUS_CODES } from 'node:http';
import { FAILURES, type FailureCode, formatTarget, type Target } from 'wsproxy-engine';
import type { MessageError } from '../../http-message/message-error.js';

/** A final answer of our own; the connection closes behind it. */
export interface HttpRefusal {
  readonly status: number;
  /** One constant sentence: anyone who asks learns the cause and nothing else, and of what was sent only where it was to go comes back. */
  readonly text: string;
  readonly headers?: readonly string[];
  /** A server has decided it, by its own rules; default false. */
  readonly isOfServer?: boolean;
}

/** What a request can be refused for before any channel is opened. */
export const REFUSALS = {
  NOT_A_PROXY_REQUEST: { status: 400, text: 'not a proxy request' },
  SEVERAL_HOSTS: { status: 400, text: 'the request has more than one Host field' },
  BAD_AUTHORITY: { status: 400, text: 'CONNECT takes host:port' },
  CONTENT_OF_CONNECT: { status: 400, text: 'CONNECT takes no content' },
  BAD_CONNECT_UDP: { status: 400, text: 'CONNECT-UDP is a GET without content' },
  BAD_UDP_TARGET: { status: 400, text: 'CONNECT-UDP takes /.well-known/masque/udp/HOST/PORT/' },
  CUT: { status: 400, text: 'the request ended before its content was complete' },
  LOOP: { status: 400, text: 'the target is this proxy' },
  FROM_A_PAGE: { status: 403, text: 'not for web pages' },
  NEEDS_PASSWORD: {
    status: 407,
    text: 'user and password needed',
    headers: ['Proxy-Authenticate: Basic realm="wsproxy", charset="UTF-8"'],
  },
  TOO_SLOW: { status: 408, text: 'the request took too long' },
  NEEDS_CONNECT: { status: 501, text: 'only http:// and ws:// URIs are forwarded, use CONNECT for anything else' },
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

/** Why a request cannot be taken, in the words of anyone who could not read it. */
export function refusalOfRequest({ fault, message }: MessageError): HttpRefusal {
  return { status: STATUSES[fault], text: message };
}

const STATUSES: Readonly<Record<MessageError['fault'], number>> = {
  malformed: 400,
  'too large': 431,
  unsupported: 501,
};

/** The same of what stands behind the head of a request. */
export function refusalOfContent(error: MessageError): HttpRefusal {
  return { status: STATUSES[error.fault], text: `the content of the request is malformed: ${error.message}` };
}

/** The same of a response. */
export function refusalOfResponse({ message }: MessageError): HttpRefusal {
  const { status, text, headers } = REFUSALS.BAD_RESPONSE;
  return { status, text: `${text}: ${message}`, headers };
}

/** Seconds; about what a lost tunnel needs to come back. */
const RETRY_AFTER = 5;

/**
 * How a failed channel is told to an HTTP client (RFC 9209 for Proxy-Status); `isRemote`: by a port whose destinations are
 * dialled at this end.
 */
export function refusalOf(code: FailureCode, isRemote: boolean): HttpRefusal {
  const { http, proxyStatus, text } = FAILURES[code];
  const headers = [`Proxy-Status: wsproxy; error=${proxyStatus}`];
  if (http === 503) headers.push(`Retry-After: ${RETRY_AFTER}`);
  return { status: http, text, headers, isOfServer: !isRemote && OF_SERVER.has(code) };
}

/** Decided, and not met on the way to the destination. */
const OF_SERVER: ReadonlySet<FailureCode> = new Set(['DENIED', 'LIMIT_REACHED', 'QUOTA_USED_UP', 'GOING_AWAY']);

/**
 * The whole response. No version banner and no Access-Control header: any web page may ask a loopback port, and must
 * learn nothing from it.
 *
 * @param method of the request; the response to HEAD has no content.
 * @param target that it is about, if it is about one.
 */
export function encodeRefusal(refusal: HttpRefusal, method?: string, target?: Target): string {
  // A page like it may come from the destination, or from another proxy.
  const speaker = refusal.isOfServer === true ? 'wsproxy-server' : 'wsproxy-client';
  const about = target === undefined ? '' : `${formatTarget(target)}: `;
  const body = `${speaker}: ${about}${refusal.text}\n`;
  const head = [
    `HTTP/1.1 ${refusal.status} ${STATUS_CODES[refusal.status] ?? 'Unknown'}`,
    'Content-Type: text/plain',
    'X-Content-Type-Options: nosniff',
    `Content-Length: ${Buffer.byteLength(body)}`,
    'Connection: close',
    ...(refusal.headers ?? []),
  ];
  return `${head.join('\r\n')}\r\n\r\n${method === 'HEAD' ? '' : body}`;
}
