import { SessionChannel } from '../channel/session-channel.js';
import { violation } from '../errors.js';
import type { Open } from '../frame/payload.js';
import type { Channels } from './channels.js';
import type { Outbox } from './outbox.js';
import type { SessionCarrier } from './session-carrier.js';
import type { SessionOptions } from './session-options.js';

const DEFAULT_MAX_CHANNELS = 1024;
/** Answers beyond the limit of channels that a peer may leave unread: each costs hundreds of times what OPEN does. */
const MAX_UNREAD_ANSWERS = 4096;

/** Takes the channels that the peer opens, as many as it may. */
export class Acceptor {
  readonly #options: SessionOptions;
  readonly #channels: Channels;
  readonly #outbox: Outbox;
  readonly #carrier: SessionCarrier;
  #isDraining = false;

  constructor(options: SessionOptions, carrier: SessionCarrier) {
    this.#options = options;
    this.#carrier = carrier;
    this.#channels = carrier.channels;
    this.#outbox = carrier.outbox;
  }

  /** From here on every channel is refused. */
  drain(): void {
    this.#isDraining = true;
  }

  /** The channel of an OPEN, passed on or refused. Throws ProtocolError for one that must not be. */
  take(id: number, { target, window }: Open): SessionChannel {
    const { onChannel, onRefused, maxChannels = DEFAULT_MAX_CHANNELS } = this.#options;
    if (onChannel === undefined) throw violation('this end opens channels, it does not take them');
    this.#channels.checkPeerId(id);
    const unread = this.#outbox.waitingChannels - maxChannels;
    if (unread > MAX_UNREAD_ANSWERS) throw violation('channels are opened, but the answers are not read');
    const channel = SessionChannel.offer(id, target, this.#carrier, window);
    if (!this.#isDraining && this.#channels.size < maxChannels) {
      this.#channels.add(channel);
      onChannel(channel);
    } else {
      const code = this.#isDraining ? 'GOING_AWAY' : 'LIMIT_REACHED';
      onRefused?.(channel, code);
      channel.refuse(code);
    }
    return channel;
  }
}
