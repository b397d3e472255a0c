import { describe, expect, test, vi } from 'vitest';
import type { Channel, ChannelSink } from 'wsproxy-engine';
import { bytesOf } from 'wsproxy-test-support/engine/bytes';
import { ChannelStreams } from '../src/channel-streams.js';

/** The streams of a channel that is in the hands of the test, and what it is told. */
function open() {
  let sink: ChannelSink | undefined;
  const told: string[] = [];
  const channel = {
    start: (given: ChannelSink) => {
      sink = given;
    },
    consumed: () => {},
    write: () => true,
    end: () => told.push('end'),
    reset: (code: string) => told.push(`reset ${code}`),
    onOver: () => {},
  };
  const streams = new ChannelStreams(channel as unknown as Channel);
  return { streams, told, sink: sink as unknown as ChannelSink };
}

describe('the streams of a channel', () => {
  test('fail for a reader of words when the end comes within one, and throw nothing where the end is read', async () => {
    const { streams, sink } = open();
    const reader = streams.readable.getReader({ mode: 'byob' });
    sink.onData(bytesOf('abcd'), false);
    await reader.read(new Uint32Array(1));
    const rest = reader.read(new Uint32Array(1));
    sink.onData(bytesOf('abc'), false);
    sink.onEnd();
    await expect(rest).rejects.toThrow(TypeError);
  });

  test.each([
    ['is no bytes', () => 'text' as unknown as Uint8Array<ArrayBuffer>],
    [
      'has no memory any more',
      () => {
        const gone = new Uint8Array(4);
        structuredClone(gone.buffer, { transfer: [gone.buffer] });
        return gone;
      },
    ],
  ])('reset the connection at a write of what %s: nothing can end it otherwise', async (_, made) => {
    const { streams, told } = open();
    const writer = streams.writable.getWriter();
    writer.closed.catch(() => {});
    await expect(writer.write(made())).rejects.toThrow(TypeError);
    await vi.waitFor(() => expect(told).toEqual(['reset CANCELLED']));
    await expect(streams.readable.getReader().read()).rejects.toMatchObject({ code: 'CANCELLED' });
  });
});
