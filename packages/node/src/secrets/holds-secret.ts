/**
 * Whether `text`, which a peer says and we would show, holds one of the `secrets` that it was sent, or a part of one, in a
 * usual spelling: UTF-8 or Latin-1, other letter case, percent-encoded, escaped as in HTML or JSON, base64, hex.
 */
export function holdsSecret(text: string, secrets: readonly (string | Uint8Array)[]): boolean {
  const parts = new Set(secrets.flatMap(spellingsOf).flatMap((secret) => partsOf(fold(secret))));
  if (parts.size === 0) return false;
  const short = [...parts].filter((part) => part.length < PART);
  const readings = new Set(readingsOf(text.slice(0, MAX_TEXT)).map(fold));
  return [...readings].some(
    (reading) => short.some((part) => reading.includes(part)) || partsOf(reading).some((part) => parts.has(part)),
  );
}

/** Characters: more than is ever shown. */
const MAX_TEXT = 4_096;
/** So many characters of a secret in a row are no chance. A shorter one counts as a whole. */
const PART = 6;

function partsOf(text: string): string[] {
  if (text.length <= PART) return text === '' ? [] : [text];
  return Array.from({ length: text.length - PART + 1 }, (_, start) => text.slice(start, start + PART));
}

function spellingsOf(secret: string | Uint8Array): string[] {
  return typeof secret === 'string' ? [secret] : bothOf(Buffer.from(secret));
}

/** What a text may mean: itself, without one or two layers of escapes, and what is packed into each of these. */
function readingsOf(text: string): string[] {
  let plain = [text];
  for (let layer = 0; layer < 2; layer += 1) {
    plain = [...new Set(plain.flatMap((reading) => [reading, asUtf8(reading), withoutEscapes(reading)]))];
  }
  return [...plain, ...plain.flatMap(unpack)];
}

function asUtf8(text: string): string {
  return /^[\0-\xff]*$/.test(text) ? Buffer.from(text, 'latin1').toString() : text;
}

/** RFC 3986 section 2.1 and what forms make of a blank; HTML; strings of JSON and of C. */
function withoutEscapes(text: string): string {
  return text
    .replaceAll('+', ' ')
    .replace(/%([\da-f]{2})|\\x([\da-f]{2})|\\u([\da-f]{4})|&#x([\da-f]{1,5});/gi, (_, ...digits) =>
      String.fromCodePoint(Number.parseInt(digits.slice(0, 4).join(''), 16)),
    )
    .replace(/&#(\d{1,6});/g, (_, digits: string) => String.fromCodePoint(Number(digits)))
    .replace(/&(amp|lt|gt|quot|apos);/gi, (_, name: string) => ENTITIES[name.toLowerCase()] ?? '')
    .replace(/\\(.)/g, '$1');
}

const ENTITIES: Readonly<Record<string, string>> = { amp: '&', lt: '<', gt: '>', quot: '"', apos: "'" };

/** What base64 (of both alphabets) and hex in it hold. Where a run of it begins may be hidden by the letters before. */
function unpack(text: string): string[] {
  const dense = text.replace(/[\s:]/g, '');
  const runs = (pattern: RegExp, encoding: 'base64' | 'hex', offsets: readonly number[]): string[] =>
    offsets.flatMap((offset) =>
      bothOf(Buffer.concat((dense.match(pattern) ?? []).map((run) => Buffer.from(run.slice(offset), encoding)))),
    );
  return [...runs(/[\w+/-]{4,}/g, 'base64', [0, 1, 2, 3]), ...runs(/[\da-f]{2,}/gi, 'hex', [0, 1])];
}

function bothOf(bytes: Buffer): string[] {
  return [bytes.toString(), bytes.toString('latin1')];
}

/** Without what is not seen, or makes the same text look another. */
function fold(text: string): string {
  return text
    .normalize('NFKC')
    .toLowerCase()
    .replace(/[\s\p{C}\p{Default_Ignorable_Code_Point}]/gu, '');
}
