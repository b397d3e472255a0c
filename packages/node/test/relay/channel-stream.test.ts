import { once } from 'node:events';
import { Writable } from 'node:stream';
import { finished, pipeline } from 'node:stream/promises';
import { afterEach, describe, expect, test } from 'vitest';
import type { Channel, OfferedChannel } from 'wsproxy-engine';
import { TunnelError } from 'wsproxy-engine';
import { pattern } from 'wsproxy-test-support/engine/pattern';
import { LivePair, openLive } from 'wsproxy-test-support/live-pair';
import { until, untilStill } from 'wsproxy-test-support/sockets/connected-sockets';
import { INITIAL_WINDOW } from '../../../engine/src/constants.js';
import { ChannelStream } from '../../src/relay/channel-stream.js';
import { resetSocket } from '../../src/sockets/reset-socket.js';

let pair: LivePair;

afterEach(() => pair.close());

async function streams(): Promise<{
  near: ChannelStream;
  far: ChannelStream;
  channels: [near: Channel, far: Channel];
}> {
  const live = await openLive();
  pair = live.pair;
  const near = new ChannelStream(live.near, { allowHalfOpen: true });
  const far = new ChannelStream(live.far, { allowHalfOpen: true });
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

  test('sends what waits together as one', async () => {
    const { near, channels } = await streams();
    const before = channels[0].figures.framesSent;
    near.cork();
    for (let n = 0; n < 100; n++) near.write(`${n} `);
    near.uncork();
    await until(() => near.writableLength === 0);
    await until(() => channels[1].figures.bytesReceived === near.bytesWritten);
    expect(near.bytesWritten).toBe(290);
    expect(channels[0].figures.framesSent - before).toBe(1);
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
    expect(channels[1].figures.bytesReceived).toBeLessThan(INITIAL_WINDOW + 65_536);
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

describe('a stream that is destroyed', () => {
  /** What a peer that reads slowly is told: all bytes, then how it ended. */
  async function readSlowly(far: ChannelStream): Promise<string> {
    let bytes = 0;
    far.on('data', ({ length }: Buffer) => {
      bytes += length;
      far.pause();
      setImmediate(() => far.resume());
    });
    const how = await new Promise<string>((resolve) => {
      far.once('end', () => resolve('end')).once('error', (error) => resolve((error as TunnelError).code));
    });
    return `${bytes}, ${how}`;
  }

  // More than the window, so that some still waits when the callback is called.
  const SIZE = INITIAL_WINDOW + 20_000;
  test.each<[string, (near: ChannelStream) => void]>([
    ['in the callback of end', (near) => near.end(Buffer.alloc(SIZE), () => near.destroy())],
    ['in the callback of a write', (near) => near.write(Buffer.alloc(SIZE), () => near.destroy())],
    ['at finish', (near) => near.once('finish', () => near.destroy()).end(Buffer.alloc(SIZE))],
  ])('%s delivers everything, and an end', async (_when, act) => {
    const { near, far } = await streams();
    act(near);
    await once(near, 'close');
    expect(await readSlowly(far)).toBe(`${SIZE}, end`);
  });

  test('delivers what was written just before', async () => {
    const { near, far } = await streams();
    near.write('last words');
    near.destroy();
    expect(await readSlowly(far)).toBe('10, end');
  });

  test('delivers it though the peer sends more than is read', async () => {
    const { near, far } = await streams();
    const flood = (): void => void far.write(Buffer.alloc(100_000), (error) => error ?? flood());
    near.pause();
    flood();
    await untilStill(() => near.readableLength);
    near.end(Buffer.alloc(SIZE), () => near.destroy());
    expect(await readSlowly(far)).toBe(`${SIZE}, end`);
    // What it sends to nobody is then answered.
    const [error] = (await once(far, 'error')) as [TunnelError];
    expect(error.code).toBe('CONNECTION_RESET');
  });

  test('with writes that are not acknowledged delivers those that are, and a reset', async () => {
    const { near, far } = await streams();
    let taken = 0;
    for (let n = 0; n < 1_000; n++) near.write(Buffer.alloc(1_000), (error) => (taken += error ? 0 : 1_000));
    await untilStill(() => taken);
    near.destroy();
    const [bytes, how] = (await readSlowly(far)).split(', ');
    expect(how).toBe('CANCELLED');
    expect(Number(bytes)).toBeGreaterThanOrEqual(taken);
  });

  test('does not wait for a peer that never ends its half', async () => {
    const { near, far } = await streams();
    far.resume();
    near.destroy();
    await once(far, 'end');
    await until(() => pair.client.channelCount === 0);
  });

  test('before it is open, without a word: nobody is dialled', async () => {
    let abandoned = false;
    pair = new LivePair((channel) => {
      channel.onAbandoned(() => {
        abandoned = true;
      });
    });
    const stream = new ChannelStream(pair.client.open({ host: 'a', port: 1 }, { onOpen() {}, onFail() {} }));
    await until(() => pair.server?.channelCount === 1);
    stream.destroy();
    await until(() => abandoned);
  });

  test('before it is open, behind an end: all that was acknowledged is delivered', async () => {
    let offered: OfferedChannel | undefined;
    pair = new LivePair((channel) => {
      offered = channel;
    });
    const stream = new ChannelStream(pair.client.open({ host: 'a', port: 1 }, { onOpen() {}, onFail() {} }));
    stream.end('early', () => stream.destroy());
    await once(stream, 'close');
    await until(() => offered !== undefined);
    await untilStill(() => offered?.figures.bytesReceived);
    offered?.accept();
    expect(await readSlowly(new ChannelStream(offered as Channel))).toBe('5, end');
  });
});

describe('half-close', () => {
  test('is told also to anyone who does not read, when there is nothing to read', async () => {
    const live = await openLive();
    pair = live.pair;
    const stream = new ChannelStream(live.near).pause();
    live.far.end();
    await once(stream, 'close');
  });

  test('is not kept unless asked for: the own half ends with the other one, and nothing is left', async () => {
    const live = await openLive();
    pair = live.pair;
    const stream = new ChannelStream(live.near);
    stream.resume();
    const far = new ChannelStream(live.far, { allowHalfOpen: true });
    far.end();
    await readAll(far);
    await until(() => stream.destroyed && pair.client.channelCount === 0);
  });
});

describe('a reset', () => {
  test('of the stream is one for its peer, behind what was written and behind an end', async () => {
    const { near, far } = await streams();
    near.end('last words');
    expect((await readAll(far)).toString()).toBe('last words');
    const failed = once(far, 'error');
    resetSocket(near);
    expect(await failed).toMatchObject([{ code: 'CONNECTION_RESET' }]);
  });

  test('waits for a reader that has not read what came before it', async () => {
    const { near, channels } = await streams();
    channels[1].write(Buffer.from('last words'));
    channels[1].end('CONNECTION_RESET');
    await until(() => pair.client.channelCount === 0);
    expect(near.destroyed).toBe(false);
    const failed = once(near, 'error');
    expect((near.read() as Buffer).toString()).toBe('last words');
    expect(await failed).toMatchObject([{ code: 'CONNECTION_RESET' }]);
  });

  test.each([
    [true, ['end', 'CONNECTION_RESET', 'close']],
    [false, ['end', 'finish', 'close']],
  ])(
    'behind an end takes the end from no reader who reads late (allowHalfOpen %s)',
    async (allowHalfOpen, expected) => {
      const live = await openLive();
      pair = live.pair;
      const near = new ChannelStream(live.near, { allowHalfOpen });
      const log: string[] = [];
      near
        .on('end', () => log.push('end'))
        .on('finish', () => log.push('finish'))
        .on('close', () => log.push('close'));
      near.on('error', (error: TunnelError) => log.push(error.code));
      live.far.write(Buffer.from('a whole answer'));
      live.far.end();
      await until(() => live.far.state.sending === 'ended');
      live.far.reset('CONNECTION_RESET');
      await until(() => pair.client.channelCount === 0);
      let read = '';
      near.on('data', (chunk: Buffer) => {
        read += chunk.toString();
      });
      await until(() => log.includes('close'));
      expect([read, log]).toEqual(['a whole answer', expected]);
    },
  );

  test('does not wait for a reader while somebody writes', async () => {
    const { near, channels } = await streams();
    channels[1].write(Buffer.from('never read'));
    channels[1].end('CONNECTION_RESET');
    await until(() => pair.client.channelCount === 0);
    const failed = once(near, 'error');
    near.write('x');
    const [error] = (await failed) as [TunnelError];
    expect(error.code).toBe('CONNECTION_RESET');
  });

  test('waits for a reader while somebody writes who can wait, and not for ever', async () => {
    for (const lastWords of [100_000, 10]) {
      const live = await openLive();
      const near = new ChannelStream(live.near, { allowHalfOpen: true, lastWords });
      near.on('error', () => {});
      const outcome = new Promise<unknown>((resolve) => near.write(Buffer.alloc(2_000_000), resolve));
      live.far.write(Buffer.from('last words'));
      live.far.end('CONNECTION_RESET');
      await until(() => live.pair.client.channelCount === 0);
      if (lastWords === 100_000) expect((near.read() as Buffer).toString()).toBe('last words');
      await until(() => near.destroyed);
      expect(await outcome).toMatchObject({ code: 'CONNECTION_RESET' });
      live.pair.close();
    }
  });

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
    channels[1].end('CONNECTION_RESET');
    await once(near, 'error');
    expect(Buffer.concat(chunks).equals(pattern(1, 0, 100_000))).toBe(true);
  });

  test.each([
    ['with any error', new Error('for the test'), 'CANCELLED'],
    ['with a failure of the tunnel', new TunnelError('TIMED_OUT'), 'TIMED_OUT'],
  ] as const)('is what destroy %s makes for the other side', async (_how, error, code) => {
    const { near, far } = await streams();
    far.resume();
    near.destroy(error);
    const [seen] = (await once(far, 'error')) as [TunnelError];
    expect(seen.code).toBe(code);
  });

  test('ends a write that waits, with an error', async () => {
    const { near, channels } = await streams();
    const outcome = new Promise<unknown>((resolve) => near.write(Buffer.alloc(2_000_000), resolve));
    await until(() => channels[1].figures.bytesReceived > 0);
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
