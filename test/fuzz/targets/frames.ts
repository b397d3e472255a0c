import { deepEqual, ok } from 'node:assert/strict';
import { CollectingSink } from 'wsproxy-test-support/engine/collecting-sink';
import { encodePlain } from 'wsproxy-test-support/engine/oracle-codec';
import { ProtocolError } from '../../../packages/engine/src/errors.js';
import { FrameDecoder } from '../../../packages/engine/src/frame/decode.js';
import type { Target } from '../target.js';

/** The stream of frames that a peer sends. */
export const frames: Target = {
  name: 'frames',
  run(input) {
    const whole = decode(input, input.length || 1);
    for (const length of [1, 3, 7]) {
      const sliced = decode(input, length);
      deepEqual(sliced.sink.frames, whole.sink.frames, 'slicing changes no frame');
      deepEqual(sliced.error, whole.error, 'slicing changes no error');
    }
    // What was understood is what was said: written again it is found in the input, in its order.
    let from = 0;
    for (const frame of whole.sink.frames) {
      const bytes = encodePlain(frame);
      const at = input.indexOf(bytes, from);
      ok(at >= 0, 'a frame is what stands in the input');
      from = at + bytes.length;
    }
  },
};

function decode(input: Buffer, length: number): { sink: CollectingSink; error: string | undefined } {
  const sink = new CollectingSink();
  const decoder = new FrameDecoder(sink);
  try {
    for (let at = 0; at < input.length; at += length) decoder.push(input.subarray(at, at + length));
  } catch (error) {
    ok(error instanceof ProtocolError, `only a protocol error is thrown, not ${error}`);
    return { sink, error: error.message };
  }
  return { sink, error: undefined };
}
