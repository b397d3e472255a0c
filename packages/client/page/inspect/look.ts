import type { PassedThrough, Sightings, Summary } from '../sightings.js';

/** All that is known of what passes, and which of it is wanted. */
export class Look {
  readonly exchanges: Map<number, Summary> = new Map();
  passed: readonly PassedThrough[] = [];
  #frozen: ReadonlyMap<number, Summary> | undefined;

  /** While it is paused, what is shown stays. */
  get isPaused(): boolean {
    return this.#frozen !== undefined;
  }

  set isPaused(isPaused: boolean) {
    this.#frozen = isPaused ? new Map(this.exchanges) : undefined;
  }

  get shown(): ReadonlyMap<number, Summary> {
    return this.#frozen ?? this.exchanges;
  }

  apply({ whole, exchanges, gone, passed }: Sightings): void {
    if (whole) this.exchanges.clear();
    for (const id of gone) this.exchanges.delete(id);
    for (const exchange of exchanges) this.exchanges.set(exchange.id, exchange);
    this.passed = passed ?? this.passed;
  }

  /** The last one first. */
  wanted(wish: Wish): readonly Summary[] {
    return [...this.shown.values()].filter((one) => isWanted(one, wish)).sort((a, b) => b.id - a.id);
  }
}

export interface Wish {
  readonly kind: string;
  /** Words; all of them must be there. */
  readonly search: string;
  /** Instead of them: those that have it in their contents. */
  readonly found?: ReadonlySet<number> | undefined;
}

function isWanted(exchange: Summary, { kind, search, found }: Wish): boolean {
  if (kind === 'failed' ? !hasFailed(exchange) : kind !== 'all' && kind !== exchange.kind) return false;
  if (found !== undefined) return found.has(exchange.id);
  const { method, url, status, statusText, mediaType, failure, scripted } = exchange;
  const text =
    `${method} ${url} ${status ?? ''} ${statusText ?? ''} ${mediaType} ${failure ?? ''} ${scripted === undefined ? '' : 'script'}`.toLowerCase();
  const words = search.toLowerCase().split(/\s+/);
  return words.every((word) => text.includes(word));
}

export function hasFailed({ status = 0, failure }: Summary): boolean {
  return failure !== undefined || status >= 400;
}
