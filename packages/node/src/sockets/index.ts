export { boundInterim } from './bound-interim.js';
export { type RelaySocket, resetSocket } from './reset-socket.js';
