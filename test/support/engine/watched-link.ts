import { join, zeros } from '../../../packages/engine/src/bytes.js';
import { FrameType } from '../../../packages/engine/src/frame/frame.js';
import { decodePlain, type PlainFrame } from './oracle-codec.js';
import { SimLink } from './sim-link.js';

/** A link on which what is said of it can be checked: each end's frames as they are sent, and the bytes that have arrived. */
export class WatchedLink extends SimLink {
  /** Bytes that have arrived at the client's end, and at the server's. */
  readonly arrived: [client: number, server: number] = [0, 0];
  readonly #rest: [Uint8Array, Uint8Array] = [zeros(0), zeros(0)];

  /** `onFrame`: what an end says, before it is under way. */
  constructor(onFrame: (from: 0 | 1, frame: PlainFrame, arrived: number) => void) {
    super();
    for (const from of [0, 1] as const) {
      const end = this.ends[from];
      const send = end.send.bind(end);
      end.send = (parts) => {
        const { frames, rest } = decodePlain(join([this.#rest[from], ...parts]));
        this.#rest[from] = rest;
        for (const frame of frames) onFrame(from, frame, this.arrived[from]);
        send(parts);
      };
    }
  }

  override deliver(direction: 0 | 1, limit: number): boolean {
    const { backlog } = this.ends[direction];
    const isMoved = super.deliver(direction, limit);
    if (isMoved) this.arrived[direction === 0 ? 1 : 0] += Math.min(limit, backlog);
    return isMoved;
  }
}

/** What TAKEN says of the stream, bytes; undefined for another frame. */
export function bytesTaken({ type, payload }: PlainFrame): number | undefined {
  if (type !== FrameType.taken) return undefined;
  return Number(new DataView(payload.buffer, payload.byteOffset).getBigUint64(8));
}
