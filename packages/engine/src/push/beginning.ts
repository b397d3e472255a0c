import { allocate, join, readU64, writeU64 } from '../bytes.js';

/** What the sender says first in each channel: which numbers these are, and with which one it begins. */
export interface Beginning {
  /** 16 hexadecimal digits, chosen at random when the numbers of a stream begin with 1. Numbers of another one say nothing. */
  readonly epoch: string;
  /** Of the first message that follows; each has one more than the one before it. */
  readonly number: number;
}

export function encodeBeginning({ epoch, number }: Beginning): Uint8Array {
  const digits = epoch.match(/../g) ?? [];
  return join([Uint8Array.from(digits, (pair) => Number.parseInt(pair, 16)), encodeNumber(number)]);
}

/** Undefined for what is none. */
export function decodeBeginning(record: Uint8Array): Beginning | undefined {
  if (record.length !== EPOCH + NUMBER) return undefined;
  const number = decodeNumber(record.subarray(EPOCH));
  const digits = Array.from(record.subarray(0, EPOCH), (byte) => byte.toString(16).padStart(2, '0'));
  return number === undefined ? undefined : { epoch: digits.join(''), number };
}

/** Of the last message that is finished: what the receiver says. */
export function encodeNumber(number: number): Uint8Array {
  const bytes = allocate(NUMBER);
  writeU64(bytes, number, 0);
  return bytes;
}

/** Undefined for what is none. */
export function decodeNumber(bytes: Uint8Array): number | undefined {
  const number = bytes.length === NUMBER ? readU64(bytes, 0) : Number.NaN;
  return Number.isSafeInteger(number) ? number : undefined;
}

const EPOCH = 8;
export const NUMBER = 8;

/** The service that a client registers for a stream. */
export function serviceOf(stream: string): string {
  return `push/${stream}`;
}
