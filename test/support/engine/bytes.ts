import { allocate, copyOf, readU32 } from '../../../packages/engine/src/bytes.js';

/** A text in UTF-8, a row of numbers, or a copy of bytes. */
export function bytesOf(content: string | readonly number[] | Uint8Array): Uint8Array {
  if (content instanceof Uint8Array) return copyOf(content);
  return copyOf(typeof content === 'string' ? new TextEncoder().encode(content) : Uint8Array.from(content));
}

export function textOf(bytes: Uint8Array): string {
  return new TextDecoder().decode(bytes);
}

export function filled(length: number, value: number): Uint8Array {
  return allocate(length).fill(value);
}

/** Sooner than `toEqual`, and without a megabyte of differences. */
export function isEqual(a: Uint8Array | undefined, b: Uint8Array): boolean {
  if (a?.length !== b.length) return false;
  for (let at = 0; at < b.length; at++) if (a[at] !== b[at]) return false;
  return true;
}

/** The integer of 32 bits that begins at `at`; undefined without bytes. */
export function u32At(bytes: Uint8Array | undefined, at: number): number | undefined {
  return bytes === undefined ? undefined : readU32(bytes, at);
}

export function toHex(bytes: Uint8Array): string {
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('');
}

export function fromHex(text: string): Uint8Array {
  return bytesOf((text.match(/../g) ?? []).map((digits) => Number.parseInt(digits, 16)));
}
