/** What the sender says first in each channel: which numbers these are, and with which one it begins. */
export interface Beginning {
  /** 16 hexadecimal digits, chosen at random when the numbers of a stream begin with 1. Numbers of another one say nothing. */
  readonly epoch: string;
  /** Of the first message that follows; each has one more than the one before it. */
  readonly number: number;
}

export function encodeBeginning({ epoch, number }: Beginning): Buffer {
  return Buffer.concat([Buffer.from(epoch, 'hex'), encodeNumber(number)]);
}

/** Undefined for what is none. */
export function decodeBeginning(record: Buffer): Beginning | undefined {
  if (record.length !== EPOCH + NUMBER) return undefined;
  const number = decodeNumber(record.subarray(EPOCH));
  return number === undefined ? undefined : { epoch: record.toString('hex', 0, EPOCH), number };
}

/** Of the last message that is finished: what the receiver says. */
export function encodeNumber(number: number): Buffer {
  const bytes = Buffer.allocUnsafe(NUMBER);
  bytes.writeBigUInt64BE(BigInt(number), 0);
  return bytes;
}

/** Undefined for what is none. */
export function decodeNumber(bytes: Buffer): number | undefined {
  const number = bytes.length === NUMBER ? Number(bytes.readBigUInt64BE(0)) : Number.NaN;
  return Number.isSafeInteger(number) ? number : undefined;
}

const EPOCH = 8;
export const NUMBER = 8;

/** The service that a client registers for a stream. */
export function serviceOf(stream: string): string {
  return `push/${stream}`;
}
