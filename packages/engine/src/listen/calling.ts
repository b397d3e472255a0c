import type { Beginning } from '../channel/opening.js';
import { encodeCall } from '../frame/call.js';
import { FrameType } from '../frame/frame.js';
import type { SequencedFrame } from '../replay/replay-buffer.js';
import type { Target } from '../target.js';

/** How a channel begins that the server opens to a service of the client. */
export class Calling implements Beginning {
  readonly #service: string;

  private constructor(service: string) {
    this.#service = service;
  }

  /** Undefined for a service that there is no frame for. */
  static of(service: string): Calling | undefined {
    return encodeCall({ window: 0, service }) === undefined ? undefined : new Calling(service);
  }

  frame(channel: number, window: number): SequencedFrame {
    return { type: FrameType.incoming, channel, payload: encodeCall({ window, service: this.#service }) };
  }
}

/** The target of a channel to a service: its name, where others have a host; it is dialled by nobody. */
export function serviceTarget(service: string): Target {
  return { host: service, port: 0 };
}
