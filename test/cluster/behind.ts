import { type Client, createClient } from 'wsproxy-client';
import { makeCertificate } from 'wsproxy-test-support/certificate';
import { atEnd } from 'wsproxy-test-support/cleanup/at-end';
import { TOKEN } from 'wsproxy-test-support/programs/command-line';
import { type Cut, CuttingRelay } from 'wsproxy-test-support/sockets/cutting-relay';
import { freePort } from 'wsproxy-test-support/sockets/listen';
import { temporaryFolder } from 'wsproxy-test-support/temporary-folder';
import type { Balancer, StartBalancer, Way } from './balancers.js';
import { freePorts, type Node, startNode } from './nodes.js';
import { createPeering } from './peering.js';

/** Nodes behind a balancer, and a way to it that can be cut. */
export interface Behind {
  /** By name. */
  readonly nodes: Map<string, Node>;
  readonly balancer: Balancer;
  readonly relay: CuttingRelay;
  /** One more node, of which the balancer knows nothing yet. */
  addNode(name: string): Promise<Node>;
  /** A client that is connected, with a local port. */
  startClient(): Promise<{ readonly client: Client; readonly port: number }>;
}

export interface BehindOptions {
  readonly way: Way;
  readonly names: readonly string[];
  /** Nodes hand on to each other what belongs elsewhere; otherwise each transport must come to the right one. */
  readonly knowEachOther: boolean;
  /** As of `BalancerPlace`. */
  readonly isWary?: boolean;
}

export async function startBehind(start: StartBalancer, options: BehindOptions): Promise<Behind> {
  const { way, names, knowEachOther, isWary = false } = options;
  const folder = temporaryFolder();
  const [certificate, port, ports] = await Promise.all([
    makeCertificate(folder, 'DNS:localhost', 1),
    freePort(),
    freePorts(),
  ]);
  const peering = knowEachOther ? createPeering(ports.peers) : () => [];
  const nodes = new Map<string, Node>();
  const addNode = async (name: string): Promise<Node> => {
    const node = await startNode(name, ports, peering(name));
    nodes.set(name, node);
    return node;
  };
  await Promise.all(names.map(addNode));
  const balancer = await start({ folder, port, ports, certificate, way, isWary }, names);
  const relay = await new CuttingRelay(port).start();
  return {
    ...{ nodes, balancer, relay, addNode },
    async startClient() {
      const client = createClient({
        ...{ url: `wss://localhost:${relay.port}/tunnel`, token: TOKEN, ca: certificate.cert },
      });
      atEnd(() => client.close());
      await client.start();
      const { address } = await client.listen({ port: 0 });
      return { client, port: address.port };
    },
  };
}

/** Cuts every connection whenever so many bytes have passed, `count` times; gives the cuts so far. */
export function cutEvery(relay: CuttingRelay, bytes: number, count: number): readonly Cut[] {
  const cuts: Cut[] = [];
  let passed = 0;
  relay.onBytes = (_connection, more) => {
    passed += more;
    if (passed < bytes || cuts.length === count) return;
    passed = 0;
    const kind = kindOfCut(cuts.length);
    cuts.push(kind);
    relay.cut(kind);
  };
  return cuts;
}

/** How a transport is lost: mostly at once, and sometimes so that nobody is told. */
function kindOfCut(n: number): Cut {
  if (n % 10 === 4) return 'silence';
  return n % 2 === 0 ? 'reset' : 'end';
}
