import type { Body, Detail, Headers, Message as ShownMessage, Summary } from '../../../page/sightings.js';
import type { RawHeaders } from '../watcher.js';
import { bodyOf, contentOf, type ShownBody } from './content.js';
import type { Message } from './exchange.js';
import { mediaTypeOf, pairsOf } from './headers.js';
import type { Mask } from './mask.js';
import { type Seen, urlOf } from './seen.js';
import { readEvents } from './server-sent-events.js';

/** An exchange as people and scripts are shown it. */
export async function describe(seen: Seen, mask: Mask, afterMessage = 0): Promise<Detail> {
  const { start, response, kind, messageProblem } = seen;
  const responseHeaders = response?.headers ?? [];
  const shown = (headers: RawHeaders): Headers => [...pairsOf(mask.headers(headers))];
  const [requestBody, responseBody] = await Promise.all([
    bodyOf(seen.requestBody, start.headers, mask),
    bodyOf(seen.responseBody, responseHeaders, mask),
  ]);
  return {
    ...summarize(seen, mask),
    url: mask.url(urlOf(seen)),
    host: start.destination.host,
    port: start.destination.port,
    secure: start.isSecure,
    requestHeaders: shown(start.headers),
    requestTrailers: shown(seen.requestTrailers),
    requestBody: bodyShown(requestBody),
    informations: seen.informations.map(({ status, headers }) => ({ status, headers: shown(headers) })),
    responseHeaders: shown(responseHeaders),
    responseTrailers: shown(seen.responseTrailers),
    responseBody: bodyShown(responseBody),
    headersLeft: seen.headersLeft,
    ...(kind === 'events' && { events: readEvents(responseBody.text ?? '') }),
    ...(kind === 'websocket' && {
      messages: seen.messages.filter(({ number }) => number > afterMessage).map((one) => describeMessage(one, mask)),
    }),
    ...(messageProblem !== undefined && { messageProblem }),
  };
}

/** As a list shows it: a URL may be long. */
export function summarize(seen: Omit<Seen, 'messages'>, mask: Mask): Summary {
  const { id, kind, start, response, requestBody, responseBody, requestEndedAt, endedAt, failure, scripted } = seen;
  return {
    id,
    connection: start.connection,
    kind,
    at: start.at,
    method: start.method,
    url: mask.url(urlOf(seen)).slice(0, LISTED_URL),
    version: start.version,
    ...(response !== undefined && { status: response.status, statusText: response.statusText }),
    mediaType: mediaTypeOf(response?.headers ?? []),
    bytesUp: requestBody.count + seen.bytesUp,
    bytesDown: responseBody.count + seen.bytesDown,
    messageCount: seen.messageCount,
    ...(requestEndedAt !== undefined && { sentMs: requestEndedAt - start.at }),
    ...(response !== undefined && { firstByteMs: response.at - start.at }),
    ...(endedAt !== undefined && { lastedMs: endedAt - start.at }),
    ...(failure !== undefined && { failure }),
    ...(scripted.length > 0 && { scripted }),
  };
}

const LISTED_URL = 2_048;

export function describeMessage(message: Message, mask: Mask): ShownMessage {
  const { number, direction, at, opcode, bytes, wireBytes, data } = message;
  const note = noteOf(message);
  return {
    ...{ number, direction, at, opcode, wireBytes },
    ...(bytes !== undefined && { bytes }),
    ...contentOf(opcode === CLOSE ? reasonOf(data) : data, { mediaType: '', charset: '', mask }),
    ...(note !== undefined && { note }),
  };
}

const CLOSE = 8;

/** The code of a close, as text before its reason (RFC 6455 section 5.5.1). */
function reasonOf(data: Buffer): Buffer {
  if (data.length < 2) return data;
  return Buffer.concat([Buffer.from(`${data.readUInt16BE(0)} `), data.subarray(2)]);
}

function noteOf({ bytes, data }: Message): string | undefined {
  if (bytes === undefined) return 'it could not be decompressed';
  return data.length < bytes ? `only the first ${data.length} bytes are kept` : undefined;
}

function bodyShown({ decoded: _decoded, ...body }: ShownBody): Body {
  return body;
}
