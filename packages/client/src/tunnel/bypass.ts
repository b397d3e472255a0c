import type { Channel, OpenHandler, Target, Tunnel } from 'wsproxy-engine';
import { type DestinationRule, matchesDestination } from 'wsproxy-node/targets';

/**
 * Sends the destinations that a rule names another way. Nothing is resolved for it: a range has addresses only, not the
 * names that lead to them.
 */
export class Bypass implements Tunnel {
  readonly #rules: readonly DestinationRule[];
  readonly #tunnel: Tunnel;
  readonly #direct: Tunnel;

  constructor(rules: readonly DestinationRule[], tunnel: Tunnel, direct: Tunnel) {
    this.#rules = rules;
    this.#tunnel = tunnel;
    this.#direct = direct;
  }

  open(target: Target, handler: OpenHandler): Channel {
    const { host, port } = target;
    const isDirect = this.#rules.some((rule) => matchesDestination(rule, host, port));
    return (isDirect ? this.#direct : this.#tunnel).open(target, handler);
  }
}
