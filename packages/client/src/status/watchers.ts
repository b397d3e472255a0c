import type { ServerResponse } from 'node:http';

/** Those who watch: each is sent an event a second (server-sent events of the HTML standard); without any, nothing runs. */
export class Watchers {
  readonly #watching = new Map<ServerResponse, () => string>();
  #timer: NodeJS.Timeout | undefined;

  /**
   * Takes over a response whose head was set; `look` gives one line, the data of an event. False, and the response is
   * left alone, when there are too many.
   */
  add(response: ServerResponse, look: () => string): boolean {
    if (this.#watching.size >= MAX_WATCHERS) return false;
    this.#watching.set(response, look);
    response.once('close', () => this.#remove(response));
    tell(response, look);
    this.#timer ??= setInterval(() => this.#tellAll(), INTERVAL).unref();
    return true;
  }

  #tellAll(): void {
    for (const [response, look] of this.#watching) tell(response, look);
  }

  #remove(response: ServerResponse): void {
    this.#watching.delete(response);
    if (this.#watching.size > 0) return;
    clearInterval(this.#timer);
    this.#timer = undefined;
  }
}

/** At a time: each is a browser tab. */
const MAX_WATCHERS = 16;
/** Between two events, ms. */
const INTERVAL = 1_000;
/** A watcher that has not read this much of what it was sent is left out until it has, bytes. */
const MAX_UNREAD = 65_536;

function tell(response: ServerResponse, look: () => string): void {
  if (response.writableLength < MAX_UNREAD) response.write(`data: ${look()}\n\n`);
}
