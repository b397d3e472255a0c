import type { Tunnel } from 'wsproxy-engine';
import { type Channel, formatTarget, type OpenHandler, type Target } from 'wsproxy-engine';
import type { ChannelChange, ChannelStatus, ClientStatus } from './client-status.js';
import type { KeepAwake } from './keep-awake.js';

/** Every channel opened by way of it: which of them live, and what all of them have carried. */
export class ChannelLedger implements Tunnel {
  readonly #tunnel: Tunnel;
  readonly #awake: KeepAwake;
  readonly #onChange: (change: ChannelChange) => void;
  readonly #living = new Map<Channel, Entry>();
  #lastId = 0;
  /** Of the channels that are over. */
  readonly #past = { bytesUp: 0, bytesDown: 0 };

  /** `awake` is held for each of them as long as it lives. */
  constructor(tunnel: Tunnel, awake: KeepAwake, onChange: (change: ChannelChange) => void) {
    this.#tunnel = tunnel;
    this.#awake = awake;
    this.#onChange = onChange;
  }

  open(target: Target, handler: OpenHandler): Channel {
    // Neither is called before the channel is there.
    const channel = this.#tunnel.open(target, {
      onOpen: () => {
        this.#tell('open', entry);
        handler.onOpen();
      },
      onFail: (code) => handler.onFail(code),
    });
    this.#lastId += 1;
    const entry: Entry = { id: this.#lastId, target: formatTarget(target), channel };
    this.#living.set(channel, entry);
    this.#awake.hold(channel);
    channel.onOver(() => {
      const { bytesSent, bytesReceived } = channel.figures;
      this.#awake.release(channel);
      this.#living.delete(channel);
      this.#past.bytesUp += bytesSent;
      this.#past.bytesDown += bytesReceived;
      this.#tell('over', entry);
    });
    return channel;
  }

  status(): Pick<ClientStatus, 'bytesUp' | 'bytesDown' | 'channels'> {
    const channels = [...this.#living.values()].map(statusOf);
    return {
      bytesUp: channels.reduce((sum, { bytesUp }) => sum + bytesUp, this.#past.bytesUp),
      bytesDown: channels.reduce((sum, { bytesDown }) => sum + bytesDown, this.#past.bytesDown),
      channels,
    };
  }

  #tell(change: ChannelChange['change'], entry: Entry): void {
    this.#onChange({ change, ...statusOf(entry), failure: entry.channel.figures.failure });
  }
}

interface Entry {
  readonly id: number;
  readonly target: string;
  readonly channel: Channel;
}

function statusOf({ id, target, channel }: Entry): ChannelStatus {
  const { age, bytesSent, bytesReceived } = channel.figures;
  return {
    id,
    target,
    open: channel.state.opening === 'open',
    ageMs: Math.round(age),
    bytesUp: bytesSent,
    bytesDown: bytesReceived,
  };
}
