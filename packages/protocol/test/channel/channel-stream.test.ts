import { once } from 'node:events';
import { Writable } from 'node:stream';
import { finished, pipeline } from 'node:stream/promises';
import { afterEach, describe, expect, test } from 'vitest';
import type { Channel } from '../../src/channel/channel.js';
import { ChannelStream } from '../../src/channel/channel-stream.js';
import { INITIAL_WINDOW } from '../../src/constants.js';
import { TunnelError } from '../../src/errors.js';
import { type LivePair, openLive } from '../support/live-pair.js';
import { pattern } from '../support/pattern.js';
import { until, untilStill } from '../support/sockets.js';

let pair: LivePair;

afterEach(() => pair.close());

async function streams(): Promise<{
  near: ChannelStream;
  far: ChannelStream;
  channels: [near: Channel, far: Channel];
}> {
  const live = await openLive();
  pair = live.pair;
  const near = new ChannelStream(live.near);
  const far = new ChannelStream(live.far);
  for (const stream of [near, far]) stream.on('error', () => {});
  return { near, far, channels: [live.near, live.far] };
}

/** Not `for await`, which destroys the stream at the end, its other half with it. */
async function readAll(stream: ChannelStream): Promise<Buffer> {
  const chunks: Buffer[] = [];
  stream.on('data', (chunk: Buffer) => chunks.push(chunk));
  await once(stream, 'end');
  return Buffer.concat(chunks);
}

describe('a channel stream', () => {
  test('carries bytes both ways and ends each way by itself', async () => {
    const { near, far } = await streams();
    near.end('question');
    expect((await readAll(far)).toString()).toBe('question');
    far.end(pattern(1, 0, 1_000_000));
    expect((await readAll(near)).equals(pattern(1, 0, 1_000_000))).toBe(true);
    await until(() => pair.client.channelCount === 0 && pair.server?.channelCount === 0);
    await until(() => near.destroyed && far.destroyed);
  });

  test('delivers what was written last though the other way has ended before, and credit is short', async () => {
    const { near, far } = await streams();
    far.end();
    near.resume();
    await once(near, 'end');
    // More than the window, so that some still waits when the stream has finished.
    const length = INITIAL_WINDOW + 30_000;
    near.end(pattern(1, 0, length));
    await finished(near);
    await until(() => near.destroyed);
    expect((await readAll(far)).equals(pattern(1, 0, length))).toBe(true);
  });

  test('holds the writer back while the reader does not read', async () => {
    const { near, far, channels } = await streams();
    let written = 0;
    const chunk = Buffer.alloc(10_000);
    const feed = (): void => {
      written += chunk.length;
      near.write(chunk, (error) => {
        if (error === undefined || error === null) feed();
      });
    };
    feed();
    await untilStill(() => written);
    const before = written;
    // What lies in the window, in the channel's queue and in the two streams.
    expect(written).toBeLessThan(INITIAL_WINDOW + 65_536 + 4 * 65_536);
    expect(channels[1].bytesReceived).toBeLessThan(INITIAL_WINDOW + 65_536);
    far.resume();
    await until(() => written > before);
  });

  test('keeps its bytes for a reader that is slow', async () => {
    const { near, far } = await streams();
    near.end(pattern(1, 0, 3_000_000));
    far.end();
    let read = 0;
    const slow = new Writable({
      highWaterMark: 1_000,
      write(chunk: Buffer, _encoding, done) {
        read += chunk.length;
        const isRight = chunk.equals(pattern(1, read - chunk.length, chunk.length));
        setImmediate(() => done(isRight ? null : new Error('wrong bytes')));
      },
    });
    await pipeline(far, slow);
    expect(read).toBe(3_000_000);
  });

  test('lets the caller use its buffer again once it was written', async () => {
    const { near, far } = await streams();
    // Large and whole, so that nothing else would copy it.
    const buffer = Buffer.allocUnsafeSlow(20_000).fill('before');
    near.write(buffer, () => buffer.fill('after'));
    near.end();
    expect((await readAll(far)).equals(Buffer.alloc(20_000, 'before'))).toBe(true);
  });

  test('takes text and gives buffers', async () => {
    const { near, far } = await streams();
    near.end('é', 'utf8');
    expect(await readAll(far)).toEqual(Buffer.from('é'));
  });
});

describe('a reset', () => {
  test('from the other side is an error with its code, never an end', async () => {
    const { near, channels } = await streams();
    let ended = false;
    near.on('end', () => {
      ended = true;
    });
    near.resume();
    channels[1].reset('TIMED_OUT');
    const [error] = (await once(near, 'error')) as [TunnelError];
    expect(error).toBeInstanceOf(TunnelError);
    expect(error.code).toBe('TIMED_OUT');
    expect(near.destroyed).toBe(true);
    expect(ended).toBe(false);
  });

  test('comes after the data before it', async () => {
    const { near, channels } = await streams();
    const chunks: Buffer[] = [];
    near.on('data', (chunk: Buffer) => chunks.push(chunk));
    channels[1].write(pattern(1, 0, 100_000));
    channels[1].endWithReset('CONNECTION_RESET');
    await once(near, 'error');
    expect(Buffer.concat(chunks).equals(pattern(1, 0, 100_000))).toBe(true);
  });

  test.each([
    ['destroy', undefined, 'CANCELLED'],
    ['destroy with any error', new Error('for the test'), 'CANCELLED'],
    ['destroy with a failure of the tunnel', new TunnelError('TIMED_OUT'), 'TIMED_OUT'],
  ] as const)('is what %s makes for the other side', async (_how, error, code) => {
    const { near, far } = await streams();
    far.resume();
    near.destroy(error);
    const [seen] = (await once(far, 'error')) as [TunnelError];
    expect(seen.code).toBe(code);
  });

  test('is what destroy makes also after the own half has ended', async () => {
    const { near, far } = await streams();
    near.end();
    await once(near, 'finish');
    near.destroy();
    const [seen] = (await once(far.resume(), 'error')) as [TunnelError];
    expect(seen.code).toBe('CANCELLED');
  });

  test('ends a write that waits, with an error', async () => {
    const { near, channels } = await streams();
    const outcome = new Promise<unknown>((resolve) => near.write(Buffer.alloc(2_000_000), resolve));
    await until(() => channels[1].bytesReceived > 0);
    channels[1].reset('CONNECTION_RESET');
    await until(() => near.destroyed);
    expect(await outcome).toBeInstanceOf(Error);
  });

  test('is an error when the session is lost', async () => {
    const { near } = await streams();
    near.resume();
    pair.client.close('for the test', 4005);
    const [error] = (await once(near, 'error')) as [TunnelError];
    expect(error.code).toBe('SESSION_LOST');
  });
});
