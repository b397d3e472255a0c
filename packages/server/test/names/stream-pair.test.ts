import { once } from 'node:events';
import type { Duplex } from 'node:stream';
import { describe, expect, test } from 'vitest';
import { streamPair } from '../../src/names/stream-pair.js';

/** An iterator would destroy the stream at its end. */
async function textOf(stream: Duplex): Promise<string> {
  let text = '';
  stream.on('data', (chunk) => {
    text += String(chunk);
  });
  await once(stream, 'end');
  return text;
}

const closed = (stream: Duplex) => new Promise<void>((resolve) => stream.once('close', resolve));

describe('two ends of a connection', () => {
  test('bring each other what they write, with its end', async () => {
    const { near, far } = streamPair();
    const heard = textOf(far);
    const long = 'x'.repeat(1_000_000);
    near.write('one');
    near.end(long);
    expect(await heard).toBe(`one${long}`);
    expect(far.destroyed).toBe(false);
    far.end('back');
    expect(await textOf(near)).toBe('back');
    for (const end of [near, far]) if (!end.closed) await closed(end);
    expect([near.errored, far.errored]).toEqual([null, null]);
  });

  test('take no more than the other reads', async () => {
    const { near, far } = streamPair();
    let written = 0;
    while (near.write(Buffer.alloc(10_000)) && written < 100) written += 1;
    expect(written).toBeLessThan(20);
    far.resume();
    await once(near, 'drain');
  });

  test('end together where one keeps no half', async () => {
    const { near, far } = streamPair();
    far.end();
    near.resume();
    far.resume();
    await Promise.all([closed(near), closed(far)]);
    expect([near.errored, far.errored]).toEqual([null, null]);
  });

  test('tell an end to anyone who does not read', async () => {
    const { near, far } = streamPair();
    far.end();
    await once(near, 'end');
  });

  test.each(['near', 'far'] as const)(
    'reset each other when the %s one is destroyed before both have ended',
    async (which) => {
      const pair = streamPair();
      const other = which === 'near' ? pair.far : pair.near;
      pair[which].end('half');
      pair[which].destroy();
      await closed(other);
      expect(other.errored).toMatchObject({ code: 'ECONNRESET' });
    },
  );

  test('answer a write that waits when the other is destroyed', async () => {
    const { near, far } = streamPair();
    const written = new Promise<void>((resolve) => {
      near.write(Buffer.alloc(1_000_000), () => resolve());
    });
    far.destroy();
    await written;
  });
});
