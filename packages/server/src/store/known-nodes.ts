import type { KnownProcess } from './store.js';

/**
 * Where the inner doors of other nodes are, as they have told the store. A node that the store does not name any more is kept for some
 * looks, for a store that has begun anew knows nobody at first; one that is really gone refuses the connection.
 */
export class KnownNodes {
  readonly #nodes = new Map<string, { readonly address: string; missed: number }>();

  /** What the store has answered. */
  update(processes: readonly KnownProcess[]): void {
    const told = processes.filter(({ address }) => address !== '');
    for (const { node, address } of told) {
      const known = this.#nodes.get(node);
      // Of two that have one name, the one that was there first.
      const isThere = told.some((other) => other.node === node && other.address === known?.address);
      if (!isThere) this.#nodes.set(node, { address, missed: 0 });
    }
    const names = new Set(told.map(({ node }) => node));
    for (const [node, known] of this.#nodes) {
      known.missed = names.has(node) ? 0 : known.missed + 1;
      if (known.missed > KEPT) this.#nodes.delete(node);
    }
  }

  /** `host:port`. */
  addressOf(node: string): string | undefined {
    return this.#nodes.get(node)?.address;
  }
}

/** So many answers without it, which are a minute at least. */
const KEPT = 30;
