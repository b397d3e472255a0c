import { decode } from '../seen/decode.js';
import { headerOf } from '../seen/headers.js';
import { ownBytes } from '../seen/own-memory.js';
import type { RawHeaders } from '../watcher.js';
import {
  type MessageFacts,
  type MessageVerdict,
  type RequestFacts,
  type ResponseFacts,
  TOO_LATE,
  type Verdict,
} from './calls.js';
import type { SeenMessage } from './message-filter.js';
import type { PassingBody } from './passing-body.js';
import { MOST_BODY, Room } from './room.js';
import type { ScriptHost } from './script-host.js';

/** What connections ask a script. */
export class Script {
  /** For what waits for it. */
  readonly room: Room = new Room();
  readonly #host: Pick<ScriptHost, 'call' | 'has' | 'note'>;
  #requests = 0;

  constructor(host: Pick<ScriptHost, 'call' | 'has' | 'note'>) {
    this.#host = host;
  }

  get seesMessages(): boolean {
    return this.#host.has('onMessage');
  }

  nextId(): number {
    this.#requests += 1;
    return this.#requests;
  }

  /** `beforeBody` runs before the body is read. */
  async onRequest(request: RequestFacts, body: PassingBody, beforeBody: () => Promise<void>): Promise<Verdict> {
    const reader = this.#readerOf(body, request.headers, beforeBody);
    const verdict = await this.#host.call({ hook: 'onRequest', request }, reader.body);
    reader.close();
    return verdict as Verdict;
  }

  async onResponse(request: RequestFacts, response: ResponseFacts, body: PassingBody): Promise<Verdict> {
    const reader = this.#readerOf(body, response.headers);
    const verdict = await this.#host.call({ hook: 'onResponse', request, response }, reader.body);
    reader.close();
    return verdict as Verdict;
  }

  /** Undefined where it goes on as it came. */
  async onMessage(facts: Omit<MessageFacts, 'data'>, data: SeenMessage): Promise<MessageVerdict> {
    if (typeof data === 'object' && 'tooLarge' in data) {
      this.#host.note('onMessage', `a message is larger than ${MOST_BODY / MIB} MiB, or too many wait for the script`);
      return undefined;
    }
    return (await this.#host.call({
      hook: 'onMessage',
      message: { ...facts, data: typeof data === 'string' ? data : ownBytes(data) },
    })) as MessageVerdict;
  }

  /** Reads a body for the script, until that is done with it. */
  #readerOf(body: PassingBody, headers: RawHeaders, beforeBody?: () => Promise<void>): BodyForScript {
    let decodedSize = 0;
    let isClosed = false;
    return {
      body: async () => {
        await beforeBody?.();
        const { bytes, problem } = await decode(await body.hold(), headerOf(headers, 'content-encoding'), MOST_BODY);
        if (problem !== undefined && bytes.length >= MOST_BODY)
          throw new Error(`the body is larger than ${MOST_BODY / MIB} MiB when it is decoded`);
        if (problem !== undefined) throw new Error(problem);
        if (isClosed) throw new Error(TOO_LATE);
        decodedSize = bytes.length;
        if (!this.room.take(decodedSize)) throw new Error('too many bodies wait for the script');
        // The thread gets a copy of the memory that it is in.
        return ownBytes(bytes);
      },
      close: () => {
        isClosed = true;
        body.release();
        this.room.give(decodedSize);
      },
    };
  }
}

interface BodyForScript {
  readonly body: () => Promise<Uint8Array>;
  readonly close: () => void;
}

const MIB = 1_048_576;
