import type { OfferedChannel } from 'wsproxy-engine';
import type { DialTurns } from '../limits/dial-turns.js';
import type { User } from '../users/user.js';
import { type ChannelService, ServedChannel } from './served-channel.js';

/** Answers what clients open: dials the target, then joins channel and socket. */
export function createChannelHandler(service: ChannelService): ChannelHandler {
  return (channel, user, turns) => void new ServedChannel(service, channel, user).serve(turns);
}

/** `user`: with the rules of now; `turns`: those of the session that the channel is in. */
export type ChannelHandler = (channel: OfferedChannel, user: User, turns: DialTurns) => void;
