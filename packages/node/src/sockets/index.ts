export { boundInterim } from './bound-interim.js';
export { KEEPALIVE_DELAY } from './keepalive-delay.js';
export { type RelaySocket, resetSocket } from './reset-socket.js';
