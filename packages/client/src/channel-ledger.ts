import { type Channel, formatTarget, type OpenHandler, type Target } from 'wsproxy-protocol';
import type { ChannelChange, ChannelStatus, ClientStatus } from './client-status.js';
import type { KeepAwake } from './keep-awake.js';
import type { Tunnel } from './listeners/tunnel.js';

/** Every channel opened by way of it: which of them live, and what all of them have carried. */
export class ChannelLedger implements Tunnel {
  readonly #tunnel: Tunnel;
  readonly #awake: KeepAwake;
  readonly #onChange: (change: ChannelChange) => void;
  readonly #living = new Map<Channel, Entry>();
  #lastId = 0;
  /** Of the channels that are over. */
  readonly #past = { bytesUp: 0, bytesDown: 0 };

  /** `awake` is held as long as one of them lives, unless `keepAwake` says otherwise of it. */
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
    const entry: Entry = { id: this.#lastId, target: formatTarget(target), channel, isAwake: false };
    this.#living.set(channel, entry);
    this.keepAwake(channel, true);
    channel.onOver = () => {
      this.keepAwake(channel, false);
      this.#living.delete(channel);
      this.#past.bytesUp += channel.bytesSent;
      this.#past.bytesDown += channel.bytesReceived;
      this.#tell('over', entry);
    };
    return channel;
  }

  /** Whether the process is to live for this one. */
  keepAwake(channel: Channel, isAwake: boolean): void {
    const entry = this.#living.get(channel);
    if (entry === undefined || entry.isAwake === isAwake) return;
    entry.isAwake = isAwake;
    if (isAwake) this.#awake.hold();
    else this.#awake.release();
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
    this.#onChange({ change, ...statusOf(entry), failure: entry.channel.failure });
  }
}

interface Entry {
  readonly id: number;
  readonly target: string;
  readonly channel: Channel;
  isAwake: boolean;
}

function statusOf({ id, target, channel }: Entry): ChannelStatus {
  return {
    id,
    target,
    open: channel.state.opening === 'open',
    ageMs: Math.round(channel.age),
    bytesUp: channel.bytesSent,
    bytesDown: channel.bytesReceived,
  };
}
