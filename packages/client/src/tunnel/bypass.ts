import type { Channel, Flow, FlowTunnel, OpenHandler, Peer, Target, Tunnel } from 'wsproxy-engine';
import { type DestinationRule, matchesDestination, type Protocol } from 'wsproxy-node/targets';
import { SplitFlow } from './split-flow.js';

/**
 * Sends the destinations that a rule names another way. Nothing is resolved for it: a range has addresses only, not the
 * names that lead to them.
 */
export class Bypass implements Tunnel, FlowTunnel {
  readonly #rules: readonly DestinationRule[];
  readonly #tunnel: Tunnel & FlowTunnel;
  readonly #direct: Tunnel & FlowTunnel;

  constructor(rules: readonly DestinationRule[], tunnel: Tunnel & FlowTunnel, direct: Tunnel & FlowTunnel) {
    this.#rules = rules;
    this.#tunnel = tunnel;
    this.#direct = direct;
  }

  open(target: Target, handler: OpenHandler): Channel {
    return (this.#isDirect(target, 'tcp') ? this.#direct : this.#tunnel).open(target, handler);
  }

  /** Of a flow for any peer each datagram is judged. */
  openFlow(target: Target | undefined, handler: OpenHandler): Flow {
    if (target !== undefined) {
      return (this.#isDirect(target, 'udp') ? this.#direct : this.#tunnel).openFlow(target, handler);
    }
    if (this.#rules.length === 0) return this.#tunnel.openFlow(undefined, handler);
    return new SplitFlow(this.#tunnel, this.#direct, (peer) => this.#isDirect(peer, 'udp'), handler);
  }

  #isDirect({ host, port }: Peer, protocol: Protocol): boolean {
    return this.#rules.some((rule) => matchesDestination(rule, host, port, protocol));
  }
}
