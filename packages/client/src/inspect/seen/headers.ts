import type { RawHeaders } from '../watcher.js';
import { ownText } from './own-memory.js';

/** The values of a header, joined as RFC 9110 section 5.3 allows; undefined where there is none. `name` in lower case. */
export function headerOf(headers: RawHeaders, name: string): string | undefined {
  const values: string[] = [];
  for (const [each, value] of pairsOf(headers)) if (each.toLowerCase() === name) values.push(value);
  return values.length === 0 ? undefined : values.join(', ');
}

export function* pairsOf(headers: RawHeaders): Generator<readonly [name: string, value: string]> {
  for (let n = 0; n + 1 < headers.length; n += 2) yield [headers[n] ?? '', headers[n + 1] ?? ''];
}

/** The media type of a message in lower case, without its parameters; empty where it tells none. */
export function mediaTypeOf(headers: RawHeaders): string {
  return (headerOf(headers, 'content-type') ?? '').split(';', 1)[0]?.trim().toLowerCase() ?? '';
}

/** The first headers, as many as `most` characters hold, and how many pairs are left out. */
export function firstHeaders(
  headers: RawHeaders,
  most: number,
): { readonly headers: RawHeaders; readonly left: number } {
  let size = 0;
  let end = 0;
  for (const [name, value] of pairsOf(headers)) {
    size += name.length + value.length + PAIR;
    if (size > most) break;
    end += 2;
  }
  const kept = headers.slice(0, end).map((part) => ownText(part));
  return { headers: kept, left: Math.ceil((headers.length - end) / 2) };
}

/** What a pair takes beside its characters. */
const PAIR = 32;

export function sizeOfHeaders(headers: RawHeaders): number {
  return headers.reduce((sum, part) => sum + part.length + PAIR / 2, 0);
}
