import { endToEnd, type Field, fieldsOf, formatHead, listOf, valuesOf } from '../../http-message/fields.js';
import { framingFields } from '../../http-message/frame-response.js';
import type { RequestHead } from '../../http-message/request-head.js';
import type { ResponseHead } from '../../http-message/response-head.js';
import type { Destination } from './absolute-form.js';

/**
 * The head of a request as its origin gets it. There is no Via field: a destination is told no more about the way here than
 * it is by SOCKS or CONNECT.
 */
export function formatRequest(request: RequestHead, destination: Destination): Buffer {
  const { method, minor, framing } = request;
  // RFC 9110 section 10.1.1: HTTP/1.0 expects nothing.
  const replaced = minor === 0 ? ['host', 'expect'] : ['host'];
  const kept = endToEnd(request.fields, 'http2-settings', ...replaced).map(countHop(method));
  // RFC 9112 section 3.2.2: the Host of the request-target, no matter what the application's Host field says.
  const fields: Field[] = [{ name: 'Host', value: destination.authority }, ...kept];
  const { authorization } = destination;
  if (authorization !== undefined && valuesOf(kept, 'authorization').length === 0) {
    fields.push({ name: 'Authorization', value: authorization });
  }
  if (framing.kind === 'chunked') {
    fields.push(...fieldsOf(request.fields, 'trailer'), { name: 'Transfer-Encoding', value: 'chunked' });
  } else if (framing.kind === 'length') fields.push({ name: 'Content-Length', value: String(framing.length) });
  // RFC 9110 section 8.6.
  else if (WITH_CONTENT.has(method)) fields.push({ name: 'Content-Length', value: '0' });
  return formatHead(`${method} ${destination.requestTarget} HTTP/1.1`, [...fields, ...connectionOf(request)]);
}

/** Whether the application may send another request on its connection; a proxy keeps none of HTTP/1.0 (RFC 9112 section 9.3). */
export function isPersistent({ minor, fields }: RequestHead): boolean {
  return minor === 1 && ![...listOf(fields, 'connection'), ...listOf(fields, 'proxy-connection')].includes('close');
}

/** Whether a request asks to go on in another protocol (RFC 9110 section 7.8). */
export function isUpgrade(request: RequestHead): boolean {
  return protocolsOf(request).length > 0;
}

/**
 * The protocols that a request asks to go on in. HTTP/2 is none of them: RFC 9113 section 3.1 has dropped that upgrade,
 * who asks for it takes HTTP/1.1, and what follows could be requests to other origins, as on any connection to a proxy.
 */
export function protocolsOf({ minor, fields }: RequestHead): string[] {
  if (minor === 0 || !listOf(fields, 'connection').includes('upgrade')) return [];
  const protocols = valuesOf(fields, 'upgrade').flatMap((value) => value.split(',').map((protocol) => protocol.trim()));
  return protocols.filter((protocol) => protocol !== '' && protocol.toLowerCase() !== 'h2c');
}

/** The fields for the next hop, and the options that say that they are. */
function connectionOf(request: RequestHead): Field[] {
  const protocols = protocolsOf(request);
  // RFC 9110 section 10.1.4: trailers travel on here, other codings are for the application to ask for.
  const takesTrailers = request.minor === 1 && listOf(request.fields, 'te').includes('trailers');
  const options = isPersistent(request) ? [] : ['close'];
  if (protocols.length > 0) options.push('Upgrade');
  if (options.length === 0) options.push('keep-alive');
  if (takesTrailers) options.push('TE');
  const fields = [{ name: 'Connection', value: options.join(', ') }];
  if (takesTrailers) fields.push({ name: 'TE', value: 'trailers' });
  if (protocols.length > 0) fields.push({ name: 'Upgrade', value: protocols.join(', ') });
  return fields;
}

/** RFC 9110 section 7.6.2: this was one of the hops that the application allows. */
function countHop(method: string): (field: Field) => Field {
  return ({ name, value }) => {
    const isCounted = COUNTING.has(method) && name.toLowerCase() === 'max-forwards' && /^\d+$/.test(value);
    return { name, value: isCounted ? String(Math.min(Number(value), FAR_ENOUGH) - 1) : value };
  };
}

/** The head of a final response as the application gets it. `isKept`: another may follow on its connection. */
export function formatResponse(response: ResponseHead, request: RequestHead, isKept: boolean): Buffer {
  const fields = [...endToEnd(response.fields), ...framingFields(response, request.minor)];
  const option = isKept ? 'keep-alive' : 'close';
  // RFC 9110 section 15.5.22: it says what to upgrade to.
  const upgrade = response.status === 426 ? fieldsOf(response.fields, 'upgrade') : [];
  fields.push({ name: 'Connection', value: upgrade.length > 0 ? `${option}, Upgrade` : option }, ...upgrade);
  if (!isKept) return formatStatus(response, fields);
  // How long the origin will wait for the next request: so long lives what leads to it.
  for (const value of valuesOf(response.fields, 'keep-alive')) fields.push({ name: 'Keep-Alive', value });
  // RFC 4559 section 6: without it some applications do not try.
  if (challengesConnection(response)) {
    fields.push({ name: 'Proxy-Support', value: 'Session-Based-Authentication' });
  }
  return formatStatus(response, fields);
}

/** Whether a request authenticates the connection on which it comes, and not itself alone (RFC 4559 section 6). */
export function authenticatesConnection({ fields }: RequestHead): boolean {
  return valuesOf(fields, 'authorization').some((value) => OF_A_CONNECTION.test(value));
}

/** Whether a response asks for that. */
export function challengesConnection({ status, fields }: ResponseHead): boolean {
  return status === 401 && valuesOf(fields, 'www-authenticate').some((value) => OF_A_CONNECTION.test(value));
}

/** Whether the origin may take another request on its connection. */
export function isKeptByOrigin({ minor, fields, framing, isPlain }: ResponseHead): boolean {
  const options = listOf(fields, 'connection');
  return (
    isPlain && framing.kind !== 'close' && (minor === 1 ? !options.includes('close') : options.includes('keep-alive'))
  );
}

export function formatInterim(response: ResponseHead): Buffer {
  return formatStatus(response, endToEnd(response.fields));
}

/** 101 (Switching Protocols), for which both were asked. */
export function formatSwitch(response: ResponseHead): Buffer {
  const upgrade = fieldsOf(response.fields, 'upgrade');
  return formatStatus(response, [...endToEnd(response.fields), { name: 'Connection', value: 'Upgrade' }, ...upgrade]);
}

function formatStatus({ status, reason }: ResponseHead, fields: readonly Field[]): Buffer {
  return formatHead(`HTTP/1.1 ${String(status).padStart(3, '0')} ${reason}`, fields);
}

/** Methods whose requests say how far they may go. */
const COUNTING: ReadonlySet<string> = new Set(['TRACE', 'OPTIONS']);
const FAR_ENOUGH = 1_000;
/** Methods of which a request without content says so. */
const WITH_CONTENT: ReadonlySet<string> = new Set(['POST', 'PUT', 'PATCH']);
const OF_A_CONNECTION = /^(ntlm|negotiate|kerberos)\b/i;
