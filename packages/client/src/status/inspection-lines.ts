import { once } from 'node:events';
import type { Writable } from 'node:stream';
import { describe, describeMessage } from '../inspect/seen/describe.js';
import type { Message } from '../inspect/seen/exchange.js';
import type { Exchanges, PassedThrough } from '../inspect/seen/exchanges.js';
import type { Mask } from '../inspect/seen/mask.js';
import { type Seen, seenOf } from '../inspect/seen/seen.js';

/**
 * Writes lines of JSON, for scripts: the exchanges that are kept, then each that ends, each message of a WebSocket as it passes, and
 * what is not looked into. A reader that is slow misses some, and is told how many.
 */
export class InspectionLines {
  readonly #output: Writable;
  readonly #mask: Mask;
  readonly #stopListening: () => void;
  #last: Promise<void> = Promise.resolve();
  #waiting = 0;
  #missed = 0;

  constructor(exchanges: Exchanges, mask: Mask, output: Writable) {
    this.#output = output;
    this.#mask = mask;
    for (const entry of exchanges.passed) this.#addPassed(entry);
    for (const exchange of exchanges.all()) {
      // It is kept anyway, and takes no more memory while it waits.
      for (const message of exchange.messages) this.#addMessage(exchange.id, message, 0);
      if (exchange.isOver) this.#addExchange(seenOf(exchange), 0);
    }
    this.#stopListening = exchanges.listen({
      onMessage: ({ id }, message) => this.#addMessage(id, message),
      onOver: (exchange) => this.#addExchange(seenOf(exchange)),
      onGone: (exchange) => this.#addExchange(seenOf(exchange)),
      onPassedThrough: (entry) => this.#addPassed(entry),
    });
    output.once('close', this.#stopListening);
  }

  /** Ends the output behind the lines that there are. */
  end(): void {
    this.#stopListening();
    this.#last = this.#last.then(() => {
      this.#output.end();
    });
  }

  #addExchange(seen: Seen, size = seen.held): void {
    // Its messages have lines of their own.
    const bare = { ...seen, messages: [] };
    this.#add(size, async () => {
      const { messages: _messages, ...detail } = await describe(bare, this.#mask);
      return { what: 'exchange', ...detail };
    });
  }

  #addMessage(exchange: number, message: Message, size = message.data.length + LINE): void {
    this.#add(size, () => ({
      what: 'message',
      exchange,
      ...describeMessage(message, this.#mask),
    }));
  }

  #addPassed(entry: PassedThrough): void {
    this.#add(LINE, () => ({ what: 'passed through', ...entry }));
  }

  #add(size: number, make: () => object | Promise<object>): void {
    if (this.#waiting + size > MOST_WAITING) {
      this.#missed += 1;
      return;
    }
    this.#waiting += size;
    this.#last = this.#last.then(async () => {
      try {
        await this.#write(await make());
      } catch {
        this.#missed += 1;
      }
      this.#waiting -= size;
      const missed = this.#missed;
      this.#missed = 0;
      if (missed > 0) await this.#write({ what: 'missed', lines: missed });
    });
  }

  async #write(line: object): Promise<void> {
    if (this.#output.destroyed) return;
    if (this.#output.write(`${JSON.stringify(line)}\n`)) return;
    const stop = new AbortController();
    const gone = once(this.#output, 'close', { signal: stop.signal });
    const ready = once(this.#output, 'drain', { signal: stop.signal });
    await Promise.race([gone, ready]).catch(() => undefined);
    for (const other of [gone, ready]) other.catch(() => undefined);
    stop.abort();
  }
}

/** Bytes of what is to be told, roughly. */
const MOST_WAITING = 33_554_432;
const LINE = 256;
