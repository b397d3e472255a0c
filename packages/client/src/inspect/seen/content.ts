import type { RawHeaders } from '../watcher.js';
import { decode } from './decode.js';
import { headerOf, mediaTypeOf } from './headers.js';
import type { Mask } from './mask.js';
import type { SeenBody } from './seen.js';

/** A body for viewing: decoded, as text where it is text, and masked. */
export async function bodyOf({ bytes: kept, count }: SeenBody, headers: RawHeaders, mask: Mask): Promise<ShownBody> {
  const mediaType = mediaTypeOf(headers);
  const { bytes, problem } = await decode(kept, headerOf(headers, 'content-encoding'), MOST_DECODED);
  const cut = kept.length < count ? `only the first ${kept.length} bytes are kept` : undefined;
  const note = [cut, problem].filter((part) => part !== undefined).join('; ');
  const content = contentOf(bytes, { mediaType, charset: charsetOf(headers), mask });
  return { bytes: count, decoded: bytes.length, mediaType, ...content, ...(note !== '' && { note }) };
}

export interface ShownBody extends Content {
  readonly bytes: number;
  /** Bytes that are shown. */
  readonly decoded: number;
  readonly mediaType: string;
  readonly note?: string;
}

/** Text if it is text, else base64; nothing of nothing. */
export function contentOf(bytes: Buffer, { mediaType, charset, mask }: ContentKind): Content {
  if (bytes.length === 0) return {};
  const text = textOf(bytes, mediaType, charset);
  return text === undefined ? { base64: bytes.toString('base64') } : { text: mask.text(text, mediaType) };
}

export interface Content {
  readonly text?: string;
  readonly base64?: string;
}

interface ContentKind {
  readonly mediaType: string;
  readonly charset: string;
  readonly mask: Mask;
}

/** Of a body, decoded, bytes. */
const MOST_DECODED = 4_194_304;

function textOf(bytes: Buffer, mediaType: string, charset: string): string | undefined {
  // A form with a file has fields all the same, which are to be masked.
  if (mediaType.startsWith('multipart/')) return utf8Of(bytes) ?? bytes.toString('latin1');
  if (charset === '' || charset === 'utf-8' || charset === 'utf8') return utf8Of(bytes);
  try {
    return new TextDecoder(charset).decode(bytes);
  } catch {
    return utf8Of(bytes);
  }
}

/** A last character that was cut off is no error. */
function utf8Of(bytes: Buffer): string | undefined {
  if (bytes.includes(0)) return undefined;
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes, { stream: true });
  } catch {
    return undefined;
  }
}

function charsetOf(headers: RawHeaders): string {
  const [, charset = ''] = /;\s*charset="?([\w.:-]+)/i.exec(headerOf(headers, 'content-type') ?? '') ?? [];
  return charset.toLowerCase();
}
