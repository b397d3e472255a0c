import type { RawHeaders } from '../watcher.js';
import { bodyOf, contentOf } from './content.js';
import type { Message } from './exchange.js';
import { headerOf, pairsOf } from './headers.js';
import type { Mask } from './mask.js';
import { type Seen, urlOf } from './seen.js';

/** An exchange as an entry of an HTTP archive (HAR 1.2), with the fields that Chromium adds for WebSockets. */
export async function harEntryOf(seen: Seen, mask: Mask): Promise<object> {
  const { start, kind } = seen;
  const comment = commentOf(seen);
  return {
    startedDateTime: new Date(start.at).toISOString(),
    ...timesOf(seen),
    request: await requestOf(seen, mask),
    response: await responseOf(seen, mask),
    cache: {},
    connection: String(start.connection),
    _resourceType: kind === 'websocket' ? 'websocket' : kind === 'events' ? 'eventsource' : 'other',
    ...(kind === 'websocket' && {
      _webSocketMessages: seen.messages.filter(isData).map((one) => messageOf(one, mask)),
    }),
    ...(comment !== '' && { comment }),
  };
}

function commentOf({ response, endedAt, scripted }: Seen): string {
  const state = endedAt !== undefined ? [] : [response === undefined ? 'not answered yet' : 'not over yet'];
  const script = scripted.length === 0 ? [] : [`changed by the script: ${scripted.join(', ')}`];
  return [...state, ...script].join('; ');
}

async function requestOf(seen: Seen, mask: Mask): Promise<object> {
  const { start, requestBody } = seen;
  const url = mask.url(urlOf(seen));
  const body = await bodyOf(requestBody, start.headers, mask);
  return {
    method: start.method,
    url: uriOf(url),
    httpVersion: versionOf(start.version),
    cookies: cookiesOf(mask.headers(start.headers), 'cookie'),
    headers: headersOf(start.headers, mask),
    queryString: queryOf(url),
    headersSize: -1,
    bodySize: requestBody.count,
    ...(requestBody.count > 0 && {
      postData: {
        mimeType: headerOf(start.headers, 'content-type') ?? '',
        // It has no field for what is no text.
        text: body.text ?? body.base64 ?? '',
        ...(body.base64 !== undefined && { _encoding: 'base64' }),
        ...(body.note !== undefined && { comment: body.note }),
      },
    }),
  };
}

async function responseOf({ response, responseBody, failure }: Seen, mask: Mask): Promise<object> {
  const headers = response?.headers ?? [];
  const { text, base64, decoded, note } = await bodyOf(responseBody, headers, mask);
  return {
    status: response?.status ?? 0,
    statusText: response?.statusText ?? '',
    httpVersion: versionOf(response?.version ?? '1.1'),
    cookies: cookiesOf(mask.headers(headers), 'set-cookie'),
    headers: headersOf(headers, mask),
    content: {
      size: decoded,
      mimeType: headerOf(headers, 'content-type') ?? 'x-unknown',
      ...(decoded !== responseBody.count && { compression: decoded - responseBody.count }),
      ...(text !== undefined && { text }),
      ...(base64 !== undefined && { text: base64, encoding: 'base64' }),
      ...(note !== undefined && { comment: note }),
    },
    redirectURL: mask.url(headerOf(headers, 'location') ?? ''),
    headersSize: -1,
    bodySize: responseBody.count,
    ...(failure !== undefined && { _error: failure }),
  };
}

/** Of the phases that are not known, -1 as the format says. */
function timesOf({ start, requestEndedAt, response, endedAt }: Seen): object {
  const end = endedAt ?? response?.at ?? requestEndedAt ?? start.at;
  // An answer may begin before the request has ended, and clocks may be set.
  const sent = between(start.at, requestEndedAt ?? end, end);
  const first = between(sent, response?.at ?? end, end);
  const [send, wait, receive] = [sent - start.at, first - sent, Math.max(0, end - first)];
  return { time: send + wait + receive, timings: { blocked: -1, dns: -1, connect: -1, ssl: -1, send, wait, receive } };
}

function between(least: number, value: number, most: number): number {
  return Math.max(least, Math.min(value, most));
}

function versionOf(version: string): string {
  return version === '2' ? 'HTTP/2.0' : `HTTP/${version}`;
}

function headersOf(headers: RawHeaders, mask: Mask): readonly object[] {
  return [...pairsOf(mask.headers(headers))].map(([name, value]) => ({ name, value }));
}

/** Of Set-Cookie the first pair is the cookie (RFC 6265 section 4.1). */
function cookiesOf(headers: RawHeaders, from: 'cookie' | 'set-cookie'): readonly object[] {
  return [...pairsOf(headers)]
    .filter(([name]) => name.toLowerCase() === from)
    .flatMap(([, value]) => (from === 'cookie' ? value.split(';') : value.split(';', 1)))
    .map((pair) => pair.trim().split(/=(.*)/s))
    .map(([name = '', value = '']) => ({ name, value }));
}

/** Strictly as RFC 3986 says, which applications seldom ask: what may not stand in it is percent-encoded. */
function uriOf(url: string): string {
  const [, scheme = 'unknown:', rest = ''] =
    /^([a-z][a-z0-9+.-]*:\/\/(?:[\w.~-]+|\[[\da-f:.]+\])(?::\d+)?)?(.*)$/is.exec(url) ?? [];
  return scheme + rest.replace(/[^\w.~:/?@!$&'()*+,;=%-]|%(?![\da-f]{2})/gi, percentEncoded);
}

function percentEncoded(letter: string): string {
  return Buffer.from(letter).toString('hex').replace(/../g, '%$&').toUpperCase();
}

function queryOf(url: string): readonly object[] {
  if (!URL.canParse(url)) return [];
  return [...new URL(url).searchParams].map(([name, value]) => ({ name, value }));
}

/** Chromium tells of no control frames. */
function isData({ opcode }: Message): boolean {
  return opcode < 8;
}

function messageOf({ direction, at, opcode, data }: Message, mask: Mask): object {
  const { text, base64 } = contentOf(data, { mediaType: '', charset: '', mask });
  // A text that is none is told as Chromium tells binary ones.
  const isText = opcode === 1 && base64 === undefined;
  return {
    type: direction === 'up' ? 'send' : 'receive',
    time: at / 1_000,
    opcode: isText ? 1 : 2,
    data: isText ? (text ?? '') : binaryOf(data, text),
  };
}

/** What is binary and can be read is masked as well. */
function binaryOf(data: Buffer, text: string | undefined): string {
  return (text === undefined ? data : Buffer.from(text)).toString('base64');
}
