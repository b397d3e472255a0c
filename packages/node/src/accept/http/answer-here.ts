import { type Field, formatFields, valuesOf } from '../../http-message/fields.js';
import type { RequestHead } from '../../http-message/request-head.js';
import { schemeOf } from './absolute-form.js';

/**
 * The answer to a request that is for this proxy and goes no further: OPTIONS of `*`, and TRACE and OPTIONS that may pass
 * through no (other) proxy (RFC 9110 section 7.6.2). The connection closes behind it.
 */
export function answerHere(request: RequestHead): { readonly answer: string } | undefined {
  const { method, requestTarget, fields } = request;
  if (method === 'OPTIONS' && requestTarget === '*') return { answer: encode([ALLOW]) };
  const isLastHop = valuesOf(fields, 'max-forwards').some((value) => /^0+$/.test(value));
  if (!isLastHop || schemeOf(requestTarget) === undefined) return undefined;
  if (method === 'OPTIONS') return { answer: encode([ALLOW]) };
  if (method === 'TRACE') return { answer: encode([MESSAGE], reflect(request)) };
  return undefined;
}

/** RFC 9110 section 9.3.8. */
function reflect({ method, requestTarget, minor, fields }: RequestHead): string {
  const shown = fields.filter(({ name }) => !SECRET.has(name.toLowerCase()));
  return `${method} ${requestTarget} HTTP/1.${minor}\r\n${formatFields(shown)}\r\n`;
}

function encode(fields: readonly Field[], content = ''): string {
  const framing = [
    { name: 'Content-Length', value: String(content.length) },
    { name: 'Connection', value: 'close' },
  ];
  return `HTTP/1.1 200 OK\r\n${formatFields([...fields, ...framing])}\r\n${content}`;
}

const ALLOW: Field = { name: 'Allow', value: 'CONNECT, GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS, TRACE' };
const MESSAGE: Field = { name: 'Content-Type', value: 'message/http' };
const SECRET: ReadonlySet<string> = new Set(['authorization', 'cookie', 'proxy-authorization']);
