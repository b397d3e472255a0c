export { type DropReason, FlowCounts } from './flow-counts.js';
export type { UdpFilter } from './flow-destinations.js';
export type { FlowRelay } from './flow-relay.js';
export type { FlowRoom, FlowTask } from './flow-task.js';
export { createUdpDial, type RelayFlow, type UdpDialOptions } from './udp-dial.js';
