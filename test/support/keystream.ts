import { type Cipher, createCipheriv, createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';

const CHUNK = 65_536;
/** Of AES: the counter tells which of them comes next. */
const BLOCK = 16;

/**
 * Bytes that look random and are the same for the same seed, made as they are needed: gigabytes cost no storage, and
 * every byte of a transfer can be checked at its place.
 */
export class Keystream {
  readonly #cipher: Cipher;

  /** Begins at `offset`, in bytes. */
  constructor(seed: string, offset: number = 0) {
    const key = createHash('sha256').update(seed).digest().subarray(0, 16);
    const counter = Buffer.alloc(BLOCK);
    counter.writeBigUInt64BE(BigInt(Math.floor(offset / BLOCK)), BLOCK / 2);
    this.#cipher = createCipheriv('aes-128-ctr', key, counter);
    this.next(offset % BLOCK);
  }

  next(length: number): Buffer {
    return this.#cipher.update(Buffer.alloc(length));
  }
}

/** The first `length` bytes of a keystream. */
export function keystreamBytes(seed: string, length: number): Buffer {
  return new Keystream(seed).next(length);
}

/** The first `length` bytes of a keystream as a stream. */
export function keystreamReadable(seed: string, length: number): Readable {
  return Readable.from(chunks(seed, length), { objectMode: false });
}

function* chunks(seed: string, length: number): Generator<Buffer> {
  const keystream = new Keystream(seed);
  for (let left = length; left > 0; left -= CHUNK) yield keystream.next(Math.min(CHUNK, left));
}

/** Checks that what arrives is a keystream from its start; counts how far it has come. */
export class KeystreamChecker {
  readonly #expected: Keystream;
  #length = 0;

  constructor(seed: string) {
    this.#expected = new Keystream(seed);
  }

  get length(): number {
    return this.#length;
  }

  /** Throws at the first piece that is lost, repeated, moved or changed. */
  push(chunk: Buffer): void {
    if (!chunk.equals(this.#expected.next(chunk.length))) {
      throw new Error(`wrong bytes between ${this.#length} and ${this.#length + chunk.length}`);
    }
    this.#length += chunk.length;
  }
}

/** In hexadecimal. */
export async function sha256(source: Buffer | Readable): Promise<string> {
  const hash = createHash('sha256');
  if (Buffer.isBuffer(source)) return hash.update(source).digest('hex');
  await pipeline(source, hash);
  return hash.digest('hex');
}

export function sha256OfFile(path: string): Promise<string> {
  return sha256(createReadStream(path, { highWaterMark: 1024 * 1024 }));
}

const known = new Map<string, Promise<string>>();

export function sha256OfKeystream(seed: string, length: number): Promise<string> {
  const key = `${seed} ${length}`;
  const hash = known.get(key) ?? sha256(keystreamReadable(seed, length));
  known.set(key, hash);
  return hash;
}
