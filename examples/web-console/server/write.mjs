import { once } from 'node:events';

/** Writes to a stream, and waits as long as it is full. A stream that is closed takes nothing more, nor does the end of `source`. */
export async function write(stream, data, source) {
  if (stream.destroyed || stream.write(data)) return;
  const over = new AbortController();
  const { signal } = over;
  const ends = [stream, source].filter((one) => one !== undefined).map((one) => once(one, 'close', { signal }));
  try {
    await Promise.race([once(stream, 'drain', { signal }), ...ends]);
  } finally {
    over.abort();
  }
}
