import type { Channel } from '../../../packages/engine/src/channel/channel.js';
import { SessionChannel } from '../../../packages/engine/src/channel/session-channel.js';

/** What only the session sees of a channel. */
export function sessionSide(channel: Channel): SessionChannel {
  if (channel instanceof SessionChannel) return channel;
  throw new Error('the channel is of no session');
}
