// Bytes that anybody can make again from a key, so that every one of them can be checked without being stored.
import { createCipheriv, createHash } from 'node:crypto';
import { once } from 'node:events';
import { Readable } from 'node:stream';

const PIECE = Buffer.alloc(65_536);

/** A readable stream of `length` bytes of AES-CTR keystream. */
export function keyedBytes(key, length) {
  const cipher = createCipheriv('aes-128-ctr', createHash('md5').update(key).digest(), Buffer.alloc(16));
  let left = length;
  return new Readable({
    highWaterMark: PIECE.length,
    read() {
      if (left === 0) return this.push(null);
      const size = Math.min(left, PIECE.length);
      left -= size;
      this.push(cipher.update(size === PIECE.length ? PIECE : PIECE.subarray(0, size)));
    },
  });
}

/** The SHA-256 of what a stream brings, and its length. */
export async function digestOf(stream) {
  const hash = createHash('sha256');
  let length = 0;
  // Not by iteration, which would destroy a socket whose other direction still runs.
  stream.on('data', (chunk) => {
    hash.update(chunk);
    length += chunk.length;
  });
  stream.resume();
  await once(stream, 'end');
  return { sha256: hash.digest('hex'), length };
}
