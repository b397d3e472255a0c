import { once } from 'node:events';

/** Writes to a stream, and waits as long as it is full. A stream that is closed takes nothing more. */
export async function write(stream, data) {
  if (stream.destroyed || stream.write(data)) return;
  const over = new AbortController();
  const { signal } = over;
  try {
    await Promise.race([once(stream, 'drain', { signal }), once(stream, 'close', { signal })]);
  } finally {
    over.abort();
  }
}
