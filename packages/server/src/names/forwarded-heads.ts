import type { IncomingMessage } from 'node:http';
import { endToEnd, type Field, fieldsIn, fieldsOf, listOf, valuesOf } from 'wsproxy-node/http-message';
import { plainAddress } from '../gateway/plain-address.js';
import { forwardedFields, withoutForwarded } from './forwarded-fields.js';
import { nameInHost } from './host-name.js';

/** What a request asks for, and its head as the service gets it. */
export interface AskedFor {
  /** Undefined: of an address, which nobody holds. */
  readonly name: string | undefined;
  readonly path: string;
  /** All but Connection. */
  readonly fields: readonly Field[];
  /** What Connection has to name beside the connection's own end. */
  readonly options: readonly string[];
  readonly hasContent: boolean;
  /**
   * It may go on a connection that others have used, and once more on another one when that has died: neither content nor
   * a change goes with it, so nothing happens twice, and no two readers can differ about where it ends.
   */
  readonly isRepeatable: boolean;
  readonly isWebSocket: boolean;
}

/** The status of a request that goes nowhere. */
export type Fault = 400 | 501 | 505;

/** Judges a request, by the rules of RFC 9112, and reads it as its gateway. `isTrusted`: its peer is a trusted proxy. */
export function readRequest(request: IncomingMessage, isTrusted: boolean): AskedFor | Fault {
  const { method = '', url = '', httpVersion, socket } = request;
  const given = fieldsIn(request.rawHeaders);
  if (httpVersion !== '1.1' && httpVersion !== '1.0') return 505;
  const [host, ...others] = valuesOf(given, 'host');
  if (host === undefined || others.length > 0) return 400;
  const codings = valuesOf(given, 'transfer-encoding');
  if (codings.length > 0 && httpVersion === '1.0') return 400;
  if (codings.length > 1 || (codings[0] ?? 'chunked').toLowerCase() !== 'chunked') return 501;
  const target = readTarget(method, url, host);
  if (target === undefined) return 400;

  const isChunked = codings.length > 0;
  const [length] = valuesOf(given, 'content-length');
  const hasContent = isChunked || (length !== undefined && Number(length) > 0);
  const isWebSocket = isForWebSocket(given, httpVersion);
  // Node reads no content behind a request to upgrade.
  if (hasContent && asksForUpgrade(given)) return 400;
  const isRepeatable = SAFE.has(method) && !hasContent && !isWebSocket;
  const end = endToEnd(given, 'host', 'http2-settings', ...(httpVersion === '1.0' ? ['expect'] : []));
  const fields: Field[] = [
    { name: 'Host', value: target.host },
    ...withoutForwarded(end, isTrusted),
    ...forwardedFields(given, {
      peer: socket.remoteAddress && plainAddress(socket.remoteAddress),
      isTrusted,
      host: target.host,
    }),
  ];
  if (isChunked) fields.push(...fieldsOf(given, 'trailer'), { name: 'Transfer-Encoding', value: 'chunked' });
  // RFC 9110 section 8.6.
  else if (length !== undefined || WITH_CONTENT.has(method))
    fields.push({ name: 'Content-Length', value: length ?? '0' });
  const options: string[] = [];
  if (isWebSocket) {
    options.push('Upgrade');
    fields.push({ name: 'Upgrade', value: 'websocket' });
  }
  // RFC 9110 section 10.1.4.
  if (httpVersion === '1.1' && listOf(given, 'te').includes('trailers')) {
    options.push('TE');
    fields.push({ name: 'TE', value: 'trailers' });
  }
  return { name: target.name, path: target.path, fields, options, hasContent, isRepeatable, isWebSocket };
}

/**
 * What follows the content of a request, as the service gets it. A trusted proxy says in the head whom a request is from: behind
 * the content anybody may, since a proxy passes that on as it came.
 */
export function trailersOf({ rawTrailers }: IncomingMessage): Field[] {
  return withoutForwarded(endToEnd(fieldsIn(rawTrailers), 'host'), false);
}

/**
 * The fields of the service's answer, as the one who has made `request` gets them. Node adds Connection, and chunks what has no
 * length and may be chunked: trailers come behind nothing else.
 */
export function answeredFields(answer: IncomingMessage, { method, httpVersion }: IncomingMessage): Field[] {
  const given = fieldsIn(answer.rawHeaders);
  const fields = endToEnd(given);
  const isChunked = valuesOf(given, 'transfer-encoding').length > 0;
  const hasContent = method !== 'HEAD' && answer.statusCode !== 204 && answer.statusCode !== 304;
  if (isChunked && hasContent && httpVersion === '1.1') fields.push(...fieldsOf(given, 'trailer'));
  // RFC 9110 section 8.6: there is none in a 204.
  if (!isChunked && answer.statusCode !== 204) fields.push(...fieldsOf(given, 'content-length'));
  return fields;
}

/** The same of a 101, which ends HTTP. */
export function upgradedFields(answer: IncomingMessage): Field[] {
  const given = fieldsIn(answer.rawHeaders);
  return [...endToEnd(given), ...fieldsOf(given, 'upgrade'), { name: 'Connection', value: 'Upgrade' }];
}

/** Whether Node takes what follows for another protocol, if somebody listens for that. */
function asksForUpgrade(fields: readonly Field[]): boolean {
  return listOf(fields, 'connection').includes('upgrade') && valuesOf(fields, 'upgrade').length > 0;
}

/**
 * No other protocol is passed on: with HTTP/2 (h2c), which RFC 9113 has dropped, requests would go by that nobody has looked
 * at. Who asks for it takes HTTP/1.1.
 */
function isForWebSocket(fields: readonly Field[], httpVersion: string): boolean {
  return httpVersion === '1.1' && asksForUpgrade(fields) && listOf(fields, 'upgrade').includes('websocket');
}

interface RequestTarget {
  readonly host: string;
  readonly name: string | undefined;
  readonly path: string;
}

/** RFC 9112 section 3.2: of absolute form the host counts that is in it, no matter what the Host field says. */
function readTarget(method: string, url: string, hostField: string): RequestTarget | undefined {
  const [, authority, rest = ''] = /^https?:\/\/([^/?#]*)(.*)$/is.exec(url) ?? [];
  const host = authority ?? hostField;
  if (!HOST.test(host)) return undefined;
  const name = nameInHost(host);
  if (authority === undefined) {
    const isRight = url.startsWith('/') || (url === '*' && method === 'OPTIONS');
    return isRight ? { host, name, path: url } : undefined;
  }
  if (rest === '' && method === 'OPTIONS') return { host, name, path: '*' };
  return { host, name, path: rest.startsWith('/') ? rest : `/${rest}` };
}

/** A name or an address, and a port: nothing that a service could read as another host. */
const HOST = /^(?:[\w.-]+|\[[\da-f:.]+\])(?::\d{0,5})?$/i;
/** RFC 9110 section 9.2.1. */
const SAFE: ReadonlySet<string> = new Set(['GET', 'HEAD', 'OPTIONS']);
const WITH_CONTENT: ReadonlySet<string> = new Set(['PATCH', 'POST', 'PUT']);
