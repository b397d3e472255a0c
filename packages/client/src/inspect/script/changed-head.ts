import { STATUS_CODES } from 'node:http';
import { endToEnd, type Field, FRAMING, fieldsIn, formatHead, hasNoBody, listOf } from 'wsproxy-node/http-message';
import type { Change, HeaderChange, ResponseFacts } from './calls.js';

/** A request as its destination gets it. */
export function changedRequest(request: CameRequest, change: Change | undefined, how: RequestWay): SentRequestHead {
  const method = change?.method ?? request.method;
  const requestTarget =
    change?.url === undefined ? request.requestTarget : changedTarget(request.requestTarget, change.url);
  const left = [
    ...(how.hasContinued ? ['expect'] : []),
    // Of compressed messages, the next ones build on those before (RFC 7692 section 7.2.3.2): none could be changed.
    ...(how.seesMessages && isWebSocket(request.fields) ? ['sec-websocket-extensions'] : []),
  ];
  const asked = change === undefined ? request.fields : changedFields(request.fields, change);
  const fields = without(asked, ...left);
  const isSame = change === undefined && fields.length === request.fields.length;
  const raw = isSame ? request.raw : formatHead(`${method} ${requestTarget} HTTP/1.${request.minor}`, fields);
  return { raw, method, requestTarget, fields };
}

export interface CameRequest {
  readonly raw: Buffer;
  readonly method: string;
  readonly requestTarget: string;
  readonly minor: 0 | 1;
  readonly fields: readonly Field[];
}

interface RequestWay {
  /** The application sends its body already. */
  readonly hasContinued: boolean;
  readonly seesMessages: boolean;
}

export interface SentRequestHead {
  readonly raw: Buffer;
  readonly method: string;
  readonly requestTarget: string;
  readonly fields: readonly Field[];
}

/** An answer as the application gets it. `method`: of the request. `isLast`: the connection ends behind it. */
export function changedResponse(
  response: CameResponse,
  change: Change | undefined,
  { method, isLast }: { readonly method: string; readonly isLast: boolean },
): SentResponse {
  const { raw, fields, status: came, reason, minor } = response;
  if (change === undefined) return { raw, fields, status: came, statusText: reason, body: undefined };
  const status = change.status ?? came;
  const statusText = change.statusText ?? (status === came ? reason : usualText(status));
  const body = bodyFor(change, method, came, status);
  const changed = changedFields(fields, { headers: change.headers, body });
  const framed = hasNoBody(status) && came !== status ? without(changed, ...FRAMING) : changed;
  const sent = isLast ? [...without(framed, 'connection', 'keep-alive'), CLOSE] : framed;
  return { raw: formatHead(statusLine(minor, status, statusText), sent), fields: sent, status, statusText, body };
}

export interface CameResponse {
  readonly raw: Buffer;
  readonly status: number;
  readonly reason: string;
  readonly minor: 0 | 1;
  readonly fields: readonly Field[];
}

export interface SentResponse {
  readonly raw: Buffer;
  readonly fields: readonly Field[];
  readonly status: number;
  readonly statusText: string;
  /** Undefined: as it came. */
  readonly body: Uint8Array | undefined;
}

function bodyFor(change: Change, method: string, came: number, status: number): Uint8Array | undefined {
  if (method === 'HEAD') return undefined;
  if (hasNoBody(status)) return came === status ? undefined : NOTHING;
  // The application waits for one.
  if (hasNoBody(came)) return change.body ?? NOTHING;
  return change.body;
}

/** An answer of the script's own. `isLast`: the connection ends behind it. */
export function madeResponse(
  made: ResponseFacts & { readonly body: Uint8Array },
  method: string,
  isLast: boolean,
): SentResponse {
  const { status, headers, body: whole } = made;
  const statusText = made.statusText || usualText(status);
  const fields = [
    ...endToEnd(fieldsIn(headers)),
    ...(hasNoBody(status) ? [] : [{ name: 'Content-Length', value: String(whole.length) }]),
    ...(isLast ? [CLOSE] : []),
  ];
  const body = method === 'HEAD' || hasNoBody(status) ? NOTHING : whole;
  return { raw: formatHead(statusLine(1, status, statusText), fields), fields, status, statusText, body };
}

/** RFC 6455 section 4.1. */
export function isWebSocket(fields: readonly Field[]): boolean {
  return listOf(fields, 'upgrade').includes('websocket');
}

/** Path and query of `url`, in the form that the request has already. */
function changedTarget(requestTarget: string, url: string): string {
  const { href, pathname, search } = new URL(url);
  return requestTarget.startsWith('/') ? pathname + search : href;
}

/** A new body has its length, and no coding unless the script names one. How a body is sent is not for the script to say. */
function changedFields(
  fields: readonly Field[],
  { headers, body }: Pick<Change, 'headers'> & NewBody,
): readonly Field[] {
  const changed = headers.filter(([name]) => !FRAMING.includes(name)).reduce(withValues, fields);
  if (body === undefined) return changed;
  const isCoded = headers.some(([name]) => name === 'content-encoding');
  const length = fields.find(({ name }) => name.toLowerCase() === 'content-length')?.name ?? 'Content-Length';
  const rest = without(changed, ...FRAMING, ...(isCoded ? [] : ['content-encoding']));
  return [...rest, { name: length, value: String(body.length) }];
}

interface NewBody {
  readonly body?: Uint8Array | undefined;
}

/** In the place of the first one, and written as that. */
function withValues(fields: readonly Field[], [lowerCaseName, values]: HeaderChange): readonly Field[] {
  const at = fields.findIndex(({ name }) => name.toLowerCase() === lowerCaseName);
  const name = fields[at]?.name ?? lowerCaseName;
  const before = at === -1 ? fields : fields.slice(0, at);
  const behind = at === -1 ? [] : without(fields.slice(at), lowerCaseName);
  return [...before, ...values.map((value) => ({ name, value })), ...behind];
}

function without(fields: readonly Field[], ...lowerCaseNames: readonly string[]): readonly Field[] {
  return fields.filter(({ name }) => !lowerCaseNames.includes(name.toLowerCase()));
}

function statusLine(minor: 0 | 1, status: number, statusText: string): string {
  return `HTTP/1.${minor} ${status} ${statusText}`;
}

function usualText(status: number): string {
  return STATUS_CODES[status] ?? '';
}

const CLOSE: Field = { name: 'Connection', value: 'close' };
const NOTHING: Uint8Array = new Uint8Array();
