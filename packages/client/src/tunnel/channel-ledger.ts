import { type Channel, formatTarget, type OpenHandler, type Target, type Tunnel } from 'wsproxy-engine';
import type { ChannelChange, ChannelStatus, ClientStatus } from './client-status.js';
import type { KeepAwake } from './keep-awake.js';

/** Every channel of a client, whichever way it goes: which of them live, and what those of the tunnel have carried. */
export class ChannelLedger {
  readonly #awake: KeepAwake;
  readonly #onChange: (change: ChannelChange) => void;
  readonly #living = new Map<Channel, Entry>();
  /** Living, past the tunnel. */
  readonly #hidden = new Set<Channel>();
  #lastId = 0;
  /** Of the channels that are over. */
  readonly #past = { bytesUp: 0, bytesDown: 0 };

  /** `awake` is held for each of them as long as it lives. */
  constructor(awake: KeepAwake, onChange: (change: ChannelChange) => void) {
    this.#awake = awake;
    this.#onChange = onChange;
  }

  /** Living channels. */
  get size(): number {
    return this.#living.size + this.#hidden.size;
  }

  /** The same tunnel, with its channels entered here. */
  over(tunnel: Tunnel): Tunnel {
    return { open: (target, handler) => this.#open(tunnel, target, handler) };
  }

  /** The same for a way past the tunnel: nobody is shown its channels, nor told of them. */
  hide(direct: Tunnel): Tunnel {
    return {
      open: (target, handler) => {
        const channel = direct.open(target, handler);
        this.#hidden.add(channel);
        this.#awake.hold(channel);
        channel.onOver(() => {
          this.#awake.release(channel);
          this.#hidden.delete(channel);
        });
        return channel;
      },
    };
  }

  /** What those of the tunnel have carried, and which live, oldest first. */
  status(): Pick<ClientStatus, 'bytesUp' | 'bytesDown' | 'channels'> {
    const channels = [...this.#living.values()].map(statusOf);
    return {
      bytesUp: channels.reduce((sum, { bytesUp }) => sum + bytesUp, this.#past.bytesUp),
      bytesDown: channels.reduce((sum, { bytesDown }) => sum + bytesDown, this.#past.bytesDown),
      channels,
    };
  }

  #open(tunnel: Tunnel, target: Target, handler: OpenHandler): Channel {
    // Told only when the channel is there.
    const channel = tunnel.open(
      target,
      telling(handler, () => this.#tell('open', entry)),
    );
    this.#lastId += 1;
    const entry: Entry = { id: this.#lastId, target: formatTarget(target), kind: handler.kind ?? OWN_KIND, channel };
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

  #tell(change: ChannelChange['change'], entry: Entry): void {
    this.#onChange({ change, ...statusOf(entry), failure: entry.channel.figures.failure });
  }
}

/**
 * Tells `onOpen` before `handler`. Closures that are made together keep alive what any of them needs: these are made apart
 * from those that live as long as the channel, which needs neither once it was answered.
 */
function telling(handler: OpenHandler, onOpen: () => void): OpenHandler {
  return {
    onOpen: () => {
      onOpen();
      handler.onOpen();
    },
    onFail: (code) => handler.onFail(code),
  };
}

/** Of a channel that no listener has opened. */
const OWN_KIND = 'library';

interface Entry {
  readonly id: number;
  readonly target: string;
  readonly kind: string;
  readonly channel: Channel;
}

function statusOf({ id, target, kind, channel }: Entry): ChannelStatus {
  const { age, bytesSent, bytesReceived } = channel.figures;
  return {
    id,
    target,
    kind,
    open: channel.state.opening === 'open',
    ageMs: Math.round(age),
    bytesUp: bytesSent,
    bytesDown: bytesReceived,
  };
}
