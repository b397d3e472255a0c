import type { Sightings } from '../../page/sightings.js';
import { summarize } from '../inspect/seen/describe.js';
import type { Exchanges } from '../inspect/seen/exchanges.js';
import type { Mask } from '../inspect/seen/mask.js';

/** What pages are told of exchanges: once all that are kept, then what is new. It listens while it is started only. */
export class InspectionFeed {
  readonly #exchanges: Exchanges;
  readonly #mask: Mask;
  readonly #changed = new Set<number>();
  #shown = new Set<number>();
  #isPassedNew = false;
  #stopListening: (() => void) | undefined;

  constructor(exchanges: Exchanges, mask: Mask) {
    this.#exchanges = exchanges;
    this.#mask = mask;
  }

  start(): void {
    this.#shown = new Set();
    for (const { id } of this.#exchanges.all()) this.#shown.add(id);
    this.#stopListening ??= this.#exchanges.listen({
      onChange: ({ id }) => this.#changed.add(id),
      onPassedChange: () => {
        this.#isPassedNew = true;
      },
    });
  }

  stop(): void {
    this.#stopListening?.();
    this.#stopListening = undefined;
    this.#changed.clear();
  }

  whole(): Sightings {
    const exchanges = [...this.#exchanges.all()].map((exchange) => summarize(exchange, this.#mask));
    return { whole: true, exchanges, gone: [], passed: this.#exchanges.passed };
  }

  /** Since it was called last. */
  next(): Sightings {
    const gone = [...this.#shown].filter((id) => this.#exchanges.find(id) === undefined);
    for (const id of gone) this.#shown.delete(id);
    // What has ended while it was not told is told once more, at its end.
    const changed = [...this.#changed].sort((a, b) => a - b).flatMap((id) => this.#exchanges.find(id) ?? []);
    for (const { id } of changed) this.#shown.add(id);
    this.#changed.clear();
    const passed = this.#isPassedNew ? { passed: this.#exchanges.passed } : {};
    this.#isPassedNew = false;
    return { whole: false, exchanges: changed.map((one) => summarize(one, this.#mask)), gone, ...passed };
  }
}
