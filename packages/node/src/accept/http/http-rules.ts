import { parseAuthority, type Target } from 'wsproxy-engine';
import { valuesOf } from '../../http-message/fields.js';
import { MessageError } from '../../http-message/message-error.js';
import type { RequestHead } from '../../http-message/request-head.js';
import { type Destination, parseAbsoluteForm, schemeOf } from './absolute-form.js';
import { type HttpRefusal, REFUSALS, refusalOfRequest } from './http-refusal.js';

/** What a request asks for, or why it will not get it. */
export type Decision<T> = { readonly accepted: T } | { readonly refusal: HttpRefusal };

/** Where a CONNECT goes. Its Host field says nothing that its target does not, and may be missing. */
export function decideConnect({ requestTarget, fields, framing }: RequestHead): Decision<Target> {
  if (hasSeveralHosts(fields)) return { refusal: REFUSALS.SEVERAL_HOSTS };
  // RFC 9110 section 9.3.6: it has no content; WinINet says so by a length of 0.
  if (framing.kind === 'chunked' || (framing.kind === 'length' && framing.length > 0)) {
    return { refusal: REFUSALS.CONTENT_OF_CONNECT };
  }
  // RFC 9112 section 3.2.3. Programs write names beyond ASCII as they are looked up.
  const target = parseAuthority(requestTarget);
  return target === undefined ? { refusal: REFUSALS.BAD_AUTHORITY } : { accepted: target };
}

/** Where any other request goes; only `http://` and `ws://` in absolute form go anywhere. */
export function decideRequest({ method, requestTarget, fields }: RequestHead): Decision<Destination> {
  const scheme = schemeOf(requestTarget);
  if (scheme === undefined) {
    // Origin form is what web pages send, by fetch or by WebSocket.
    const isOfPage = isFromPage(fields) || valuesOf(fields, 'upgrade').length > 0;
    return { refusal: isOfPage ? REFUSALS.FROM_A_PAGE : REFUSALS.NOT_A_PROXY_REQUEST };
  }
  // RFC 9112 section 3.2; of one, and of none, the target is right.
  if (hasSeveralHosts(fields)) return { refusal: REFUSALS.SEVERAL_HOSTS };
  if (scheme !== 'http' && scheme !== 'ws') return { refusal: REFUSALS.NEEDS_CONNECT };
  try {
    return { accepted: parseAbsoluteForm(method, requestTarget) };
  } catch (error) {
    if (error instanceof MessageError) return { refusal: refusalOfRequest(error) };
    throw error;
  }
}

/** Whether a request has what browsers add to those of pages. */
export function isFromPage(fields: RequestHead['fields']): boolean {
  return PAGE_FIELDS.some((name) => valuesOf(fields, name).length > 0);
}

const PAGE_FIELDS: readonly string[] = ['origin', 'sec-fetch-site'];

export function hasSeveralHosts(fields: RequestHead['fields']): boolean {
  return valuesOf(fields, 'host').length > 1;
}
