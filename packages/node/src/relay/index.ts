export { ChannelStream, type ChannelStreamOptions } from './channel-stream.js';
export { PacedChannel } from './paced-channel.js';
export { relay } from './relay.js';
export { type Direction, PacedPieces, type RelayPace, type Turn } from './relay-pace.js';
export { streamTo } from './stream-to.js';
