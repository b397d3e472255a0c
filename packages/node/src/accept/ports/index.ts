// What accepts, and nothing of what is spoken there: for those who load it whether anybody listens or not.
export { acceptLocal } from '../accept-local.js';
export { acceptUdp } from '../udp/accept-udp.js';
export type { PeerFlow } from '../udp/local-peers.js';
export type { UdpAddress } from '../udp/udp-socket.js';
