import { RequestHeadReader, type ResponseHeadReader } from 'wsproxy-node/http-message';
import type { ByteSource } from './byte-source.js';
import { Unreadable } from './passing-body.js';

/**
 * The next request of an application, with its bytes.
 * @throws Unreadable when it is none; then all of it is put back
 */
export function readRequestHead(source: ByteSource): Promise<RequestHead> {
  const reader = new RequestHeadReader();
  return readHead(source, (bytes) => {
    const head = reader.read(bytes);
    return head && { head, rest: reader.rest };
  });
}

/** The next answer of a destination, an interim one too, as `readRequestHead`. */
export function readResponseHead(source: ByteSource, reader: ResponseHeadReader): Promise<ResponseHead> {
  return readHead(source, (bytes) => {
    const head = reader.read(bytes);
    return head && { head, rest: reader.takeRest() };
  });
}

export type RequestHead = NonNullable<ReturnType<RequestHeadReader['read']>> & WithBytes;
export type ResponseHead = NonNullable<ReturnType<ResponseHeadReader['read']>> & WithBytes;

interface WithBytes {
  /** As it came. */
  readonly raw: Buffer;
}

async function readHead<Head extends object>(
  source: ByteSource,
  read: (bytes: Buffer) => { readonly head: Head; readonly rest: Buffer } | undefined,
): Promise<Head & WithBytes> {
  const pieces: Buffer[] = [];
  for (;;) {
    const bytes = await source.read();
    if (bytes === undefined) {
      source.putBack(Buffer.concat(pieces));
      throw new Error('the connection has ended before the answer');
    }
    pieces.push(bytes);
    try {
      const found = read(bytes);
      if (found === undefined) continue;
      const all = Buffer.concat(pieces);
      source.putBack(found.rest);
      return { ...found.head, raw: all.subarray(0, all.length - found.rest.length) };
    } catch (error) {
      source.putBack(Buffer.concat(pieces));
      throw new Unreadable((error as Error).message);
    }
  }
}
