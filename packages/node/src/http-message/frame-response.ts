import type { Framing } from './body-reader.js';
import { trimSpace } from './characters.js';
import { type Field, listOf, valuesOf } from './fields.js';

/**
 * How the content of a response is delimited (RFC 9112 section 6.3), and its fields with those that say so mended.
 *
 * A length that is none, lengths that differ and codings other than chunked are not judged here: the fields travel on as
 * they came, the content until the connection ends, and the application makes of it what it makes of it without a proxy.
 *
 * @param method of the request.
 */
export function frameResponse(fields: readonly Field[], method: string, status: number): Framed {
  const given = valuesOf(fields, TRANSFER_ENCODING);
  const codings = listOf(fields, TRANSFER_ENCODING).filter((coding) => coding !== 'identity');
  const lengths = valuesOf(fields, CONTENT_LENGTH);
  const hasContent = !hasNoBody(status) && method !== 'HEAD';
  const isChunked = codings.length > 0 && codings.every((coding) => coding === 'chunked');

  if (isChunked) {
    const framing: Framing = hasContent ? { kind: 'chunked' } : NONE;
    const isPlain = /^chunked$/i.test(given.join()) && lengths.length === 0 && (hasContent || method === 'HEAD');
    return { framing, isPlain, fields: replace(without(fields, CONTENT_LENGTH), TRANSFER_ENCODING, 'chunked') };
  }
  if (codings.length > 0) return { framing: hasContent ? UNTIL_CLOSE : NONE, isPlain: false, fields };

  const length = lengthOf(lengths);
  const isPlain =
    given.length === 0 && (lengths.length === 0 || (lengths.length === 1 && String(length) === lengths[0]));
  const uncoded = without(fields, TRANSFER_ENCODING);
  return {
    framing: frameLength(hasContent, length),
    // A 204 with a length may well have content behind it.
    isPlain: isPlain && (status !== 204 || (length ?? 0) === 0),
    fields: length === undefined ? uncoded : replace(uncoded, CONTENT_LENGTH, String(length)),
  };
}

export interface Framed {
  readonly framing: Framing;
  /** Everybody agrees on where the message ends: nothing was mended, nothing is odd. */
  readonly isPlain: boolean;
  readonly fields: readonly Field[];
}

/** The fields that tell an application how the content comes to it, beside those that travel from end to end. */
export function framingFields({ framing, status, fields }: FramedHead, minor: 0 | 1): Field[] {
  const names = new Set(isWithoutLength(status) ? [] : [CONTENT_LENGTH]);
  // Nobody expects transfer codings of HTTP/1.0, and what names them beside HEAD and 304 is left out.
  if (framing.kind === 'close' || (framing.kind === 'chunked' && minor === 1)) names.add(TRANSFER_ENCODING);
  if (framing.kind === 'chunked' && minor === 1) names.add('trailer');
  return fields.filter(({ name }) => names.has(name.toLowerCase()));
}

type FramedHead = Pick<Framed, 'framing' | 'fields'> & { readonly status: number };

/** RFC 9110 section 6.4.1, of any request. */
export function hasNoBody(status: number): boolean {
  return isWithoutLength(status) || status === 304;
}

/** RFC 9110 section 8.6: interim answers and 204 have neither content nor a length. */
function isWithoutLength(status: number): boolean {
  return (status >= 100 && status < 200) || status === 204;
}

function frameLength(hasContent: boolean, length: number | undefined): Framing {
  if (!hasContent) return NONE;
  return length === undefined ? UNTIL_CLOSE : { kind: 'length', length };
}

/** What all agree on: `5`, `5, 5` and two lines of it are one length. */
function lengthOf(values: readonly string[]): number | undefined {
  const elements = values.flatMap((value) => value.split(',')).map(trimSpace);
  const [length = Number.NaN, ...others] = elements.map((text) => (/^\d+$/.test(text) ? Number(text) : Number.NaN));
  return Number.isSafeInteger(length) && others.every((other) => other === length) ? length : undefined;
}

function without(fields: readonly Field[], lowerCaseName: string): readonly Field[] {
  return fields.filter(({ name }) => name.toLowerCase() !== lowerCaseName);
}

/** One line in place of all with this name. */
function replace(fields: readonly Field[], lowerCaseName: string, value: string): readonly Field[] {
  const first = fields.find(({ name }) => name.toLowerCase() === lowerCaseName);
  return fields.flatMap((field) => {
    if (field.name.toLowerCase() !== lowerCaseName) return [field];
    return field === first ? [{ name: field.name, value }] : [];
  });
}

const NONE: Framing = { kind: 'none' };
const UNTIL_CLOSE: Framing = { kind: 'close' };
const CONTENT_LENGTH = 'content-length';
const TRANSFER_ENCODING = 'transfer-encoding';
