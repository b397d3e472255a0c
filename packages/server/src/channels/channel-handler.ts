import type { OfferedChannel } from 'wsproxy-engine';
import type { User } from '../users/user.js';
import { type ChannelService, ServedChannel } from './served-channel.js';
import type { SessionOfChannels } from './session-of-channels.js';

/** Answers what clients open: dials the target, then joins channel and socket. */
export function createChannelHandler(service: ChannelService): ChannelHandler {
  return (channel, user, session, refusal) => {
    const served = new ServedChannel(service, channel, user, session);
    if (refusal === undefined) void served.serve();
    else served.turnAway(refusal);
  };
}

/** `user`: with the rules of now; `session`: the one that the channel is in; `refusal`: why that does not take it. */
export type ChannelHandler = (
  channel: OfferedChannel,
  user: User,
  session: SessionOfChannels,
  refusal?: 'LIMIT_REACHED' | 'GOING_AWAY',
) => void;
