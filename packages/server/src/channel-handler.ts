import { type Channel, formatTarget, type Logger, relay, TunnelError } from 'wsproxy-protocol';
import type { User } from './authenticate.js';
import type { Dialer } from './dialer.js';

/** Answers what clients open: dials the target, then joins channel and socket. */
export function createChannelHandler(dialer: Dialer, logger: Logger): (channel: Channel, user: User) => void {
  return (channel, user) => {
    const log = { user: user.id, channel: channel.id, target: formatTarget(channel.target) };
    const abandoned = new AbortController();
    channel.onAbandoned = () => abandoned.abort();
    dialer.dial(channel.target, abandoned.signal).then(
      ({ socket, address }) => {
        // The dialer lets go of the socket a few turns before this one.
        if (abandoned.signal.aborted) {
          socket.destroy();
          return;
        }
        channel.accept();
        relay(channel, socket);
        logger.debug({ ...log, address }, 'channel opened');
      },
      (error: unknown) => {
        const failure = error instanceof TunnelError ? error : new TunnelError('INTERNAL', String(error));
        channel.refuse(failure.code);
        if (failure.code === 'CANCELLED') return;
        logger.info({ ...log, code: failure.code, reason: failure.message }, 'channel refused');
      },
    );
  };
}
