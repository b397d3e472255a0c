import { pipeline } from 'node:stream';
import zlib from 'node:zlib';

/**
 * Undoes the content codings of a body (RFC 9110 section 8.4) for viewing, as far as `most` bytes. A body that was cut off gives
 * what there is of it.
 */
export async function decode(body: Uint8Array, codings: string | undefined, most: number): Promise<Decoded> {
  const names = (codings ?? '')
    .split(',')
    .map((name) => name.trim().toLowerCase())
    .filter((name) => name !== '' && name !== 'identity');
  if (names.length > MOST_CODINGS) return { bytes: Buffer.from(body), problem: 'too many content codings' };
  let bytes = Buffer.from(body);
  // They are told in the order in which they were applied.
  for (const name of names.reverse()) {
    const decoder = decoderOf(name, bytes);
    if (decoder === undefined) return { bytes, problem: `the content coding ${name} is not known here` };
    const { problem, ...step } = await run(decoder, bytes, most);
    if (problem !== undefined) return { bytes: step.bytes, problem };
    bytes = step.bytes;
  }
  return { bytes: bytes.subarray(0, most), ...(bytes.length > most && { problem: CUT }) };
}

export interface Decoded {
  readonly bytes: Buffer<ArrayBuffer>;
  /** Why this is not all of it, or not decoded. */
  readonly problem?: string;
}

/** Nobody applies more, and each may be a bomb. */
const MOST_CODINGS = 4;
const CUT = 'only the beginning is shown';

function decoderOf(name: string, bytes: Uint8Array): zlib.Gunzip | undefined {
  // A body that was cut off is no error.
  const flush = { finishFlush: zlib.constants.Z_SYNC_FLUSH };
  if (name === 'gzip' || name === 'x-gzip') return zlib.createGunzip(flush);
  // Some send it without the head of zlib (RFC 9110 section 8.4.1.2).
  if (name === 'deflate') return isZlib(bytes) ? zlib.createInflate(flush) : zlib.createInflateRaw(flush);
  if (name === 'br') return zlib.createBrotliDecompress({ finishFlush: zlib.constants.BROTLI_OPERATION_FLUSH });
  // From Node 22.15 on.
  if (name === 'zstd') return (zlib as Zstd).createZstdDecompress?.({ finishFlush: ZSTD_FLUSH });
  return undefined;
}

interface Zstd {
  createZstdDecompress?(options: object): zlib.Gunzip;
}

/** `ZSTD_e_flush`. */
const ZSTD_FLUSH = 1;

function isZlib([first = 0, second = 0]: Uint8Array): boolean {
  return (first & 0x0f) === 8 && (first * 256 + second) % 31 === 0;
}

function run(decoder: zlib.Gunzip, bytes: Buffer, most: number): Promise<Decoded> {
  return new Promise((resolve) => {
    const pieces: Buffer[] = [];
    let size = 0;
    const end = (problem?: string): void =>
      resolve({ bytes: Buffer.concat(pieces, Math.min(size, most)), ...(problem !== undefined && { problem }) });
    decoder.on('data', (piece: Buffer) => {
      pieces.push(piece);
      size += piece.length;
      if (size <= most) return;
      end(CUT);
      decoder.destroy();
    });
    pipeline([bytes], decoder, (error) => end(error == null ? undefined : `it cannot be decoded: ${error.message}`));
    // One that was destroyed may tell of what it was at, when nobody listens any more.
    decoder.on('error', () => undefined);
  });
}
