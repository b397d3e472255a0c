import type { ServerResponse } from 'node:http';

/** Those who watch: each is sent events (server-sent events of the HTML standard) as they are told. */
export class Watchers {
  readonly #watching = new Map<ServerResponse, Watcher>();

  get size(): number {
    return this.#watching.size;
  }

  /**
   * Takes over a response whose head was set, and sends the first event; `look` gives one line, the data of an event. False,
   * and the response is left alone, when there are too many.
   */
  add(response: ServerResponse, look: (isInStep: boolean) => string): boolean {
    if (this.#watching.size >= MAX_WATCHERS) return false;
    const watcher: Watcher = { look, isInStep: false };
    this.#watching.set(response, watcher);
    response.once('close', () => this.#watching.delete(response));
    tell(response, watcher);
    return true;
  }

  tellAll(): void {
    for (const [response, watcher] of this.#watching) tell(response, watcher);
  }
}

interface Watcher {
  /** `isInStep`: it was sent every event before this one. */
  readonly look: (isInStep: boolean) => string;
  isInStep: boolean;
}

/** At a time: each is a browser tab. */
const MAX_WATCHERS = 16;
/** A watcher that has not read this much of what it was sent is left out until it has, bytes. */
const MAX_UNREAD = 65_536;

function tell(response: ServerResponse, watcher: Watcher): void {
  const hasRead = response.writableLength < MAX_UNREAD;
  if (hasRead) response.write(`data: ${watcher.look(watcher.isInStep)}\n\n`);
  watcher.isInStep = hasRead;
}
