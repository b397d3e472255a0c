export { ChannelStream } from './channel-stream.js';
export { relay } from './relay.js';
export { type Direction, PacedPieces, type RelayPace, type Turn } from './relay-pace.js';
export { streamTo } from './stream-to.js';
