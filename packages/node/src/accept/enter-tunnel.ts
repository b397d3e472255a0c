import {
  type FailureCode,
  formatTarget,
  type Logger,
  type OpenHandler,
  type Target,
  type Tunnel,
} from 'wsproxy-engine';
import { ChannelStream } from '../relay/channel-stream.js';
import { LAST_WORDS } from '../relay/last-words.js';
import { type HeldRelay, relay, relayHeld } from '../relay/relay.js';
import { resetSocket } from '../sockets/reset-socket.js';
import type { ApplicationSocket } from './application-socket.js';
import { closePolitely } from './close-politely.js';
import { releaseOnceRead } from './release-once-read.js';

/**
 * Opens a channel for what listeners yield, and joins the two. The reply waits until the target was dialled, so that it
 * tells the truth.
 */
export function enterTunnel(tunnel: Tunnel, logger: Logger): Enter {
  return ({ socket, target, early, reply }) => {
    const log = { target: formatTarget(target) };
    let held: HeldRelay | undefined;
    const onReply = (): void => {
      if (held !== undefined) releaseOnceRead(held, channel, socket);
    };
    const channel = tunnel.open(target, {
      kind: reply?.kind ?? 'forward',
      onOpen() {
        logger.debug(log, 'channel open');
        if (reply !== undefined) socket.write(reply.success(), onReply);
      },
      onFail(code) {
        logger.info({ ...log, code }, 'channel failed to open');
        if (reply === undefined) resetSocket(socket);
        else closePolitely(socket, reply.failure(code, target));
      },
    });
    const hasSpoken = early !== undefined && early.length > 0;
    if (hasSpoken) channel.write(early);
    if (hasSpoken || reply?.isAlone !== true) relay(channel, socket);
    else held = relayHeld(channel, socket);
  };
}

/** The same for what is no socket: a channel as a stream, whose reader gets what came before a reset, for a while. */
export function openStream(tunnel: Tunnel, target: Target, handler: ListenerHandler): ChannelStream {
  return new ChannelStream(tunnel.open(target, handler), { allowHalfOpen: true, lastWords: LAST_WORDS });
}

/** Takes what a listener yields; whose tunnel it is, and at which end, no listener knows. */
export type Enter = (inbound: Inbound) => void;

/** What a listener yields: a byte stream, where it is to lead, and how that is answered. */
export interface Inbound {
  readonly socket: ApplicationSocket;
  readonly target: Target;
  /** What the application has sent right behind its request: it travels with OPEN. */
  readonly early?: Buffer;
  /** Without one, a failure is a reset, never an end as of a connection that was complete. */
  readonly reply?: Reply;
}

interface ListenerHandler extends OpenHandler {
  readonly kind: ListenerKind;
}

/** What brought a channel: a protocol of a local port, a forwarded port, or a pair of streams. */
export type ListenerKind = 'socks5' | 'socks4' | 'connect' | 'connect-udp' | 'http' | 'forward' | 'stdio';

/** How a protocol tells the application what became of its request. */
export interface Reply {
  readonly kind: ListenerKind;
  /** The application takes what it reads together with the success for a mistake. */
  readonly isAlone?: boolean;
  success(): Buffer | string;
  failure(code: FailureCode, target: Target): Buffer | string;
}
