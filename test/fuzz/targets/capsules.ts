import { deepEqual, ok } from 'node:assert/strict';
import { CapsuleError, CapsuleReader, encodeCapsule } from '../../../packages/node/src/accept/udp/capsules.js';
import type { Target } from '../target.js';

/** What comes behind the answer to CONNECT-UDP. */
export const capsules: Target = {
  name: 'capsules',
  run(input) {
    const whole = readIn([input]);
    deepEqual(readIn([...input].map((byte) => Uint8Array.of(byte))), whole, 'slicing does not matter');
    const bytes = whole.payloads.reduce((sum, payload) => sum + payload.length, 0);
    ok(bytes <= input.length, 'no more is read than came');
    const again = whole.payloads.map((payload) => encodeCapsule(payload));
    deepEqual(readIn([Buffer.concat(again)]), { ...whole, isOver: false }, 'what is written can be read');
  },
};

function readIn(pieces: readonly Uint8Array[]): { payloads: Buffer[]; isOver: boolean } {
  const payloads: Buffer[] = [];
  const reader = new CapsuleReader((payload) => payloads.push(Buffer.from(payload)));
  try {
    for (const piece of pieces) reader.read(piece);
    return { payloads, isOver: false };
  } catch (error) {
    if (!(error instanceof CapsuleError)) throw error;
    return { payloads, isOver: true };
  }
}
