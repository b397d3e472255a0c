import type { OpenHandler } from '../channel/handlers.js';
import type { Target } from '../target.js';
import type { Flow } from './flow.js';

/** The way into the tunnel for datagrams, as listeners see it. */
export interface FlowTunnel {
  /**
   * Opens a flow at once, whether the tunnel is up or not, for one peer or, without `target`, for any: what is sent waits for a
   * moment. Never throws; what goes wrong arrives as `handler.onFail`.
   */
  openFlow(target: Target | undefined, handler: OpenHandler): Flow;
}
