import type { Channel } from '../../src/channel/channel.js';
import { SessionChannel } from '../../src/channel/session-channel.js';

/** What only the session sees of a channel. */
export function sessionSide(channel: Channel): SessionChannel {
  if (channel instanceof SessionChannel) return channel;
  throw new Error('the channel is of no session');
}
