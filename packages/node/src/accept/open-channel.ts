import { type FailureCode, formatTarget, type Target } from 'wsproxy-engine';
import { relay } from '../relay/relay.js';
import { closePolitely } from './close-politely.js';
import type { LocalConnection } from './local-connection.js';

/** How a protocol tells the application what became of its request. */
export interface Replies {
  success(): Buffer | string;
  failure(code: FailureCode): Buffer | string;
}

/**
 * Opens a channel and joins it to the application's socket. `early` is what the application sent right behind its
 * request: it travels with OPEN. The reply waits until the server has dialled, so that it tells the truth.
 */
export function openChannel(connection: LocalConnection, target: Target, early: Buffer, replies: Replies): void {
  const { socket, tunnel, logger } = connection;
  connection.endHandshake();
  const channel = tunnel.open(target, {
    onOpen() {
      logger.debug({ target: formatTarget(target) }, 'channel open');
      socket.write(replies.success());
    },
    onFail(code) {
      logger.info({ target: formatTarget(target), code }, 'channel failed to open');
      closePolitely(socket, replies.failure(code));
    },
  });
  if (early.length > 0) channel.write(early);
  relay(channel, socket);
}
