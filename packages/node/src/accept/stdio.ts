import type { Readable, Writable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import type { Tunnel } from 'wsproxy-engine';
import { type Target, TunnelError } from 'wsproxy-engine';
import { ChannelStream } from '../relay/channel-stream.js';
import { LAST_WORDS } from '../relay/last-words.js';

/**
 * Joins a pair of streams, such as standard input and output, with a channel to `target`. Each direction ends by itself:
 * the end of `input` travels on, and `output` is ended when the destination has ended. Resolves when both have; rejects
 * with TunnelError when the channel fails, or with the error of the stream that does.
 */
export async function pipeThrough(tunnel: Tunnel, target: Target, input: Readable, output: Writable): Promise<void> {
  const channel = tunnel.open(target, {
    onOpen() {},
    // Never called before `open` has returned.
    onFail: (code) => stream.destroy(new TunnelError(code)),
  });
  const stream = new ChannelStream(channel, { allowHalfOpen: true, lastWords: LAST_WORDS });
  await Promise.all([pipeline(input, stream), pipeline(stream, output)]);
}
