import type { Duplex } from 'node:stream';
import { EventLog } from 'wsproxy-test-support/inspect/event-log';
import type { Call, Hook, MessageVerdict, Verdict } from '../../../src/inspect/script/calls.js';
import { Script } from '../../../src/inspect/script/script.js';
import { ScriptedConnection } from '../../../src/inspect/script/scripted-connection.js';
import { streamPair } from '../stream-pair.js';

/** A connection that a script sees, with both its ends. */
export interface ScriptedEnds {
  readonly application: End;
  readonly destination: End;
  /** The client's own stream to the destination. */
  readonly far: Duplex;
  readonly near: Duplex;
  readonly log: EventLog;
  /** Why it passes without the script from some point on. */
  readonly unreadable: string[];
}

type Hooks = {
  readonly [H in Hook]?: (
    call: Extract<Call, { hook: H }>,
    readBody: () => Promise<Uint8Array>,
  ) => Promise<Verdict | MessageVerdict> | Verdict | MessageVerdict;
};

export function scriptedEnds(hooks: Hooks): ScriptedEnds {
  const host = {
    has: (hook: Hook) => hooks[hook] !== undefined,
    call: async (
      call: Call,
      readBody = () => Promise.reject(new Error('no body')),
    ): Promise<Verdict | MessageVerdict> => hooks[call.hook]?.(call as never, readBody),
    note: () => {},
  };
  const [[application, near], [destination, far]] = [streamPair(), streamPair()];
  const log = new EventLog();
  const unreadable: string[] = [];
  const onUnreadable = (problem: string): void => void unreadable.push(problem);
  void new ScriptedConnection(near, far, { script: new Script(host), teller: log.teller, onUnreadable }).run();
  return { application: new End(application), destination: new End(destination), far, near, log, unreadable };
}

/** What one end has got so far. */
export class End {
  readonly stream: Duplex;
  #got: Buffer = Buffer.alloc(0);
  readonly #waits = new Set<() => void>();
  hasEnded = false;

  constructor(stream: Duplex) {
    this.stream = stream;
    stream.on('data', (bytes: Buffer) => {
      this.#got = Buffer.concat([this.#got, bytes]);
      this.#wake();
    });
    stream.on('end', () => {
      this.hasEnded = true;
      this.#wake();
    });
    stream.on('error', () => {});
  }

  get text(): string {
    return this.#got.toString('latin1');
  }

  get bytes(): Buffer {
    return this.#got;
  }

  write(bytes: string | Buffer): void {
    this.stream.write(typeof bytes === 'string' ? Buffer.from(bytes, 'latin1') : bytes);
  }

  /** Resolves when it is so. */
  async until(is: (end: End) => boolean): Promise<void> {
    while (!is(this)) await new Promise<void>((resolve) => this.#waits.add(resolve));
  }

  /** Resolves when these are the last bytes. */
  async untilEndsWith(text: string): Promise<void> {
    await this.until((end) => end.text.endsWith(text));
  }

  /** What has come since it was asked last. */
  take(): string {
    const { text } = this;
    this.#got = Buffer.alloc(0);
    return text;
  }

  #wake(): void {
    for (const wake of this.#waits) wake();
    this.#waits.clear();
  }
}
