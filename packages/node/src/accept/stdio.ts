import type { Readable, Writable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { type Target, type Tunnel, TunnelError } from 'wsproxy-engine';
import { openStream } from './enter-tunnel.js';

/**
 * Joins a pair of streams, such as standard input and output, with a channel to `target`. Each direction ends by itself:
 * the end of `input` travels on, and `output` is ended when the destination has ended. Resolves when both have; rejects
 * with TunnelError when the channel fails, or with the error of the stream that does.
 */
export async function pipeThrough(tunnel: Tunnel, target: Target, input: Readable, output: Writable): Promise<void> {
  const stream = openStream(tunnel, target, {
    kind: 'stdio',
    onOpen() {},
    // Never called before it is there.
    onFail: (code) => stream.destroy(new TunnelError(code)),
  });
  await Promise.all([pipeline(input, stream), pipeline(stream, output)]);
}
