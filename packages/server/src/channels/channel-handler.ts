import type { OfferedChannel } from 'wsproxy-engine';
import type { User } from '../users/user.js';
import { type ChannelService, ServedChannel } from './served-channel.js';
import type { SessionOfChannels } from './session-of-channels.js';

/** Answers what clients open: dials the target, then joins channel and socket. */
export function createChannelHandler(service: ChannelService): ChannelHandler {
  return (channel, user, session) => void new ServedChannel(service, channel, user, session).serve();
}

/** Tells of channels that a session does not take. */
export function createRefusalHandler(service: ChannelService): RefusalHandler {
  return (channel, user, session, code) => new ServedChannel(service, channel, user, session).turnAway(code);
}

/** `user`: with the rules of now; `session`: the one that the channel is in. */
export type ChannelHandler = (channel: OfferedChannel, user: User, session: SessionOfChannels) => void;

/** `code`: why it is refused. */
export type RefusalHandler = (
  channel: OfferedChannel,
  user: User,
  session: SessionOfChannels,
  code: 'LIMIT_REACHED' | 'GOING_AWAY',
) => void;
