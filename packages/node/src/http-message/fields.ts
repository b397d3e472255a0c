/**
 * One field line of a message (RFC 9110 section 5). Every character stands for one byte (Latin-1), so that what is passed
 * on is what came.
 */
export interface Field {
  readonly name: string;
  /** Without white space around it. */
  readonly value: string;
}

/** All lines with this name. */
export function fieldsOf(fields: readonly Field[], lowerCaseName: string): Field[] {
  return fields.filter(({ name }) => name.toLowerCase() === lowerCaseName);
}

/** The values of all lines with this name. */
export function valuesOf(fields: readonly Field[], lowerCaseName: string): string[] {
  return fieldsOf(fields, lowerCaseName).map(({ value }) => value);
}

/** What a field lists over all its lines (RFC 9110 section 5.6.1), in lower case and without empty elements. */
export function listOf(fields: readonly Field[], lowerCaseName: string): string[] {
  return valuesOf(fields, lowerCaseName)
    .flatMap((value) => value.split(','))
    .map((element) => element.trim().toLowerCase())
    .filter((element) => element !== '');
}

/**
 * The fields that travel on; case, order and duplicates are kept. Framing is left to the caller: a message may name
 * Content-Length in Connection, and content that has lost its length is how requests are smuggled.
 *
 * @param replaced lower-case names that the caller sets itself.
 */
export function endToEnd(fields: readonly Field[], ...replaced: string[]): Field[] {
  const dropped = new Set([...HOP_BY_HOP, ...FRAMING, ...replaced, ...listOf(fields, 'connection')]);
  return fields.filter(({ name }) => !dropped.has(name.toLowerCase()));
}

/** Name, value, name, value: as Node has them. */
export function fieldsIn(raw: readonly string[]): Field[] {
  return raw.flatMap((name, index) => (index % 2 === 0 ? [{ name, value: raw[index + 1] ?? '' }] : []));
}

/** The same back. */
export function rawOf(fields: readonly Field[] = []): string[] {
  return fields.flatMap(({ name, value }) => [name, value]);
}

/** Start line and fields as bytes, with the empty line behind them. */
export function formatHead(startLine: string, fields: readonly Field[]): Buffer {
  return Buffer.from(`${startLine}\r\n${formatFields(fields)}\r\n`, 'latin1');
}

export function formatFields(fields: readonly Field[]): string {
  return fields.map(({ name, value }) => `${name}: ${value}\r\n`).join('');
}

/** Fields for the next hop only (RFC 9110 section 7.6.1), and the older ones that say so by custom. */
const HOP_BY_HOP: readonly string[] = [
  'connection',
  'keep-alive',
  'proxy-authenticate',
  'proxy-authorization',
  'proxy-connection',
  'te',
  'upgrade',
];
/** They describe how the content is sent, here and now. */
export const FRAMING: readonly string[] = ['content-length', 'trailer', 'transfer-encoding'];
