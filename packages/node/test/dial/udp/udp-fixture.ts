import { afterEach } from 'vitest';
import type { Target } from 'wsproxy-engine';
import { FakeClock } from 'wsproxy-engine/testing';
import { FakeFlow } from 'wsproxy-test-support/fake-flow';
import type { Resolver } from '../../../src/dial/names/resolver.js';
import { createPolicy, type Policy } from '../../../src/dial/policy.js';
import type { FlowRelay, FlowRoom } from '../../../src/dial/udp/index.js';
import { createUdpDial, type UdpDialOptions } from '../../../src/dial/udp/udp-dial.js';

const open: FakeFlow[] = [];
afterEach(() => {
  for (const flow of open.splice(0)) flow.close();
});

/** Loopback is open, as for a server with `--allow-private`. */
export const LOCAL = createPolicy({ allowPrivate: true });

/** Takes all that it is asked for, unless told otherwise, and tells what is held. */
export class FakeRoom implements FlowRoom {
  sockets = 0;
  reserved = 0;
  destinations = 0;
  received = 0;
  maxDestinations = Number.POSITIVE_INFINITY;
  maxSockets = Number.POSITIVE_INFINITY;
  isOverRate = false;

  takeSocket(): boolean {
    if (this.sockets >= this.maxSockets) return false;
    this.sockets += 1;
    return true;
  }

  releaseSocket(): void {
    this.sockets -= 1;
  }

  takeDestination(): boolean {
    this.destinations += 1;
    return this.destinations <= this.maxDestinations;
  }

  reserve(bytes: number): boolean {
    this.reserved += bytes;
    return true;
  }

  release(bytes: number): void {
    this.reserved -= bytes;
  }

  mayPass(): boolean {
    return !this.isOverRate;
  }

  onReceived(): void {
    this.received += 1;
  }
}

export interface Served {
  readonly flow: FakeFlow;
  readonly relay: FlowRelay;
  readonly room: FakeRoom;
  readonly clock: FakeClock;
  /** `host port: message` of each destination that failed. */
  readonly failures: string[];
  rules: Policy | undefined;
  isAway: boolean;
}

/** A flow that is served; closed when the test ends. */
export function serve(
  options: Partial<UdpDialOptions> = {},
  target?: Target,
  rules: Policy | undefined = LOCAL,
): Served {
  const clock = new FakeClock();
  const room = new FakeRoom();
  const flow = new FakeFlow(target);
  const failures: string[] = [];
  const served: { rules: Policy | undefined; isAway: boolean } = { rules, isAway: false };
  const dial = createUdpDial({ clock, resolver: resolverOf({}), ...options });
  const relay = dial(flow, {
    user: { id: 'alice' },
    rules: () => served.rules,
    isAway: () => served.isAway,
    room,
    onDestinationFailed: ({ host, port }, error) => failures.push(`${host} ${port}: ${error.code} ${error.message}`),
  });
  open.push(flow);
  return Object.assign(served, { flow, relay, room, clock, failures });
}

/** Knows these names, one answer after the other, and tells what it was asked for. */
export function resolverOf(names: Record<string, readonly (readonly string[])[]>): Resolver & { asked: string[] } {
  const asked: string[] = [];
  return {
    asked,
    async resolve(name) {
      const answers = names[name] ?? [];
      const answer = answers[Math.min(asked.filter((each) => each === name).length, answers.length - 1)];
      asked.push(name);
      if (answer === undefined) throw new Error(`no such name: ${name}`);
      return answer;
    },
  };
}
