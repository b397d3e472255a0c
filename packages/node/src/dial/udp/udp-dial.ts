import { isIP } from 'node:net';
import { type Clock, type Flow, systemClock, Watch } from 'wsproxy-engine';
import { UDP_IDLE } from '../../sockets/udp-idle.js';
import { AllowedAddresses, type AllowedAddressesOptions } from '../allowed-addresses.js';
import type { UdpFilter } from './flow-destinations.js';
import { FlowRelay, type FlowWay } from './flow-relay.js';
import type { FlowTask } from './flow-task.js';

/** The way of flows from this process to their peers. */
export function createUdpDial(options: UdpDialOptions): RelayFlow {
  const { clock = systemClock, bindAddresses = [], filter = 'address', idleTime = UDP_IDLE } = options;
  const watch = new Watch<FlowRelay>(clock, LOOK_INTERVAL, (relay, now) => relay.look(now));
  const localAddressFor = (address: string) => bindAddresses.find((own) => isIP(own) === isIP(address));
  const way: FlowWay = {
    ...{ clock, filter, idleTime, localAddressFor },
    allowed: new AllowedAddresses(options),
    mayLeaveTo: (address) => bindAddresses.length === 0 || localAddressFor(address) !== undefined,
    onOver: (relay) => watch.delete(relay),
  };
  return (flow, task) => {
    const relay = new FlowRelay(flow, task, way);
    if (!flow.state.dead) watch.add(relay);
    return relay;
  };
}

/** Joins a flow and sockets of its own, at once: `reach` tells whether its one peer, if it has one, may be sent to. */
export type RelayFlow = (flow: Flow, task: FlowTask) => FlowRelay;

export interface UdpDialOptions extends AllowedAddressesOptions {
  readonly clock?: Clock;
  /** See `EgressOptions`. */
  readonly bindAddresses?: readonly string[];
  /** Whose datagrams reach the application; default: those of addresses that it has sent to. */
  readonly filter?: UdpFilter;
  /** After which a flow that nothing passes is ended, and a destination that nothing is sent to forgotten, ms; default 2 min. */
  readonly idleTime?: number;
}

/** At each flow, ms. */
const LOOK_INTERVAL = 1_000;
