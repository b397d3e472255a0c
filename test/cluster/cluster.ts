import type { Listening } from 'wsproxy-test-support/programs/command-line';
import { CuttingRelay } from 'wsproxy-test-support/sockets/cutting-relay';

/** A balancer that takes each connection to the next of `ports`, no matter who makes it. */
export async function startRoundRobin(ports: readonly number[]): Promise<CuttingRelay> {
  let turn = 0;
  const relay = new CuttingRelay(ports[0] ?? 0);
  relay.onConnection = () => {
    turn += 1;
    relay.target = ports[turn % ports.length] ?? 0;
  };
  return relay.start();
}

/** How often a node has said this. */
export function countOf({ program }: Listening, pattern: RegExp): number {
  return program.stderr.match(new RegExp(pattern, 'g'))?.length ?? 0;
}
