/** One value by the distinguished encoding rules (ITU-T X.690): its tag, its length, its content. */
export function der(tag: number, ...parts: readonly Uint8Array[]): Buffer {
  const content = Buffer.concat(parts);
  return Buffer.concat([Buffer.from([tag, ...lengthOf(content.length)]), content]);
}

export const sequence = (...parts: readonly Uint8Array[]): Buffer => der(0x30, ...parts);
export const set = (...parts: readonly Uint8Array[]): Buffer => der(0x31, ...parts);
export const octets = (content: Uint8Array): Buffer => der(0x04, content);
export const text = (content: string): Buffer => der(0x0c, Buffer.from(content));
export const yes = (): Buffer => der(0x01, Buffer.from([0xff]));

/** Of whole bytes, but for so many bits at the end. */
export const bits = (content: Uint8Array, unused = 0): Buffer => der(0x03, Buffer.from([unused]), content);

/** Not below zero; the bytes begin with the highest. */
export function integer(bytes: Uint8Array): Buffer {
  const begin = bytes.findIndex((byte) => byte !== 0);
  const digits = begin === -1 ? Buffer.alloc(1) : bytes.subarray(begin);
  // The first bit would be a sign.
  return der(0x02, ...((digits[0] ?? 0) > 0x7f ? [Buffer.alloc(1)] : []), digits);
}

/** Within another value, which says by the number what it is. */
export const numbered = (number: number, content: Uint8Array, isPrimitive = false): Buffer =>
  der((isPrimitive ? 0x80 : 0xa0) | number, content);

/** The name of something in the register of names: `2.5.4.3`. */
export function oid(name: string): Buffer {
  const [first = 0, second = 0, ...rest] = name.split('.').map(Number);
  return der(0x06, Buffer.from([first * 40 + second, ...rest.flatMap(inSevens)]));
}

/** RFC 5280 section 4.1.2.5: to the second, in two forms. */
export function time(at: Date): Buffer {
  const digits = at.toISOString().replace(/\.\d+|[-:T]/g, '');
  return at.getUTCFullYear() < 2050 ? der(0x17, Buffer.from(digits.slice(2))) : der(0x18, Buffer.from(digits));
}

function lengthOf(length: number): number[] {
  if (length < 0x80) return [length];
  const bytes = inBase(length, 256);
  return [0x80 | bytes.length, ...bytes];
}

/** All but the last one have the first bit set. */
function inSevens(number: number): number[] {
  return inBase(number, 128).map((digit, index, digits) => (index === digits.length - 1 ? digit : digit | 0x80));
}

function inBase(number: number, base: number): number[] {
  const rest = Math.floor(number / base);
  return [...(rest === 0 ? [] : inBase(rest, base)), number % base];
}
