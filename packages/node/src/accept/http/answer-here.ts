import { type Field, formatHead, valuesOf } from '../../http-message/fields.js';
import type { RequestHead } from '../../http-message/request-head.js';
import { schemeOf } from './absolute-form.js';

/**
 * The answer to a request that is for this proxy and goes no further: OPTIONS of `*`, and TRACE and OPTIONS that may pass
 * through no (other) proxy (RFC 9110 section 7.6.2). The connection closes behind it.
 */
export function answerHere(request: RequestHead): { readonly answer: Buffer } | undefined {
  const { method, requestTarget, fields } = request;
  if (method === 'OPTIONS' && requestTarget === '*') return { answer: encode([ALLOW]) };
  const isLastHop = valuesOf(fields, 'max-forwards').some((value) => /^0+$/.test(value));
  if (!isLastHop || schemeOf(requestTarget) === undefined) return undefined;
  if (method === 'OPTIONS') return { answer: encode([ALLOW]) };
  if (method === 'TRACE') return { answer: encode([MESSAGE], reflect(request)) };
  return undefined;
}

/** What came, but for what is secret (RFC 9110 section 9.3.8). */
function reflect({ method, requestTarget, minor, fields }: RequestHead): Buffer {
  const shown = fields.filter(({ name }) => !SECRET.test(name));
  return formatHead(`${method} ${requestTarget.replace(USER_INFO, '$1')} HTTP/1.${minor}`, shown);
}

function encode(fields: readonly Field[], content: Buffer = NOTHING): Buffer {
  const framing = [
    { name: 'Content-Length', value: String(content.length) },
    { name: 'Connection', value: 'close' },
  ];
  return Buffer.concat([formatHead('HTTP/1.1 200 OK', [...fields, ...framing]), content]);
}

const ALLOW: Field = { name: 'Allow', value: 'CONNECT, GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS, TRACE' };
const MESSAGE: Field = { name: 'Content-Type', value: 'message/http' };
const NOTHING: Buffer = Buffer.alloc(0);
/** Names of fields: Authorization and Cookie, and what applications call theirs. */
const SECRET = /auth|cookie|credential|key|passw|secret|session|token/i;
const USER_INFO = /^([^/]*\/\/)[^/?#]*@/;
