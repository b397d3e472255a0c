import { join } from 'node:path';
import type { Route } from './route.js';

/** The processes that this one knows, and by which doors it reaches them. What a client says chooses among these only. */
export class Neighbours {
  /** Folder of the sockets of all workers of this node; undefined where it has but one process. */
  workers: string | undefined;
  /** Where the other nodes take what is handed on; undefined for one that is not known. */
  nodes: FindNode = () => undefined;
  /** This one is one of several nodes. */
  hasNodes = false;
  readonly #here: Route;

  constructor(here: Route) {
    this.#here = here;
  }

  /**
   * Where to hand on a request that came in by `door`, and that belongs to the process of `route`; undefined when this process
   * has to answer it. Each hop goes inward, from a public door to that of a node, and from there to that of a worker, so that
   * none goes in circles, no matter what two processes believe of each other.
   */
  hopTo(route: Route, door: Door): Hop | undefined {
    if (door === 'worker') return undefined;
    if (route.node !== this.#here.node) return door === 'public' ? this.nodes(route.node) : undefined;
    if (this.workers === undefined || route.uid === this.#here.uid) return undefined;
    // Nobody but `parseRoute` has made it: 12 hexadecimal digits lead out of no folder.
    return { path: join(this.workers, route.uid) };
  }

  /** It belongs to a node that this one should know, and does not. */
  isLost(route: Route, door: Door): boolean {
    return this.hasNodes && door === 'public' && route.node !== this.#here.node && this.nodes(route.node) === undefined;
  }
}

/** By which a request has come in: from a client, from another node, or from another process of this node. */
export type Door = 'public' | 'node' | 'worker';

/** The door of another process. */
export type Hop = { readonly path: string } | NodeAddress;

export interface NodeAddress {
  readonly host: string;
  readonly port: number;
}

/** Asked for each request that belongs to another node. */
export type FindNode = (node: string) => NodeAddress | undefined;
