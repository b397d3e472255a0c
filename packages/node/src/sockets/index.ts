export { boundInterim } from './bound-interim.js';
export { DescriptorReserve, descriptorLimit, type ReserveEvents } from './descriptor-reserve.js';
export { ignoreErrors } from './ignore-errors.js';
export { joinSockets } from './join-sockets.js';
export { joinStreams, passLossOn } from './join-streams.js';
export { KEEPALIVE_DELAY } from './keepalive-delay.js';
export { type RelaySocket, resetSocket } from './reset-socket.js';
export { listenOnUnixSocket } from './unix-socket.js';
