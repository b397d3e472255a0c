import { type Channel, formatTarget, type Tunnel } from 'wsproxy-engine';
import type { ChannelChange, ChannelStatus, ClientStatus } from './client-status.js';
import type { KeepAwake } from './keep-awake.js';
import { commonStatusOf, type Entry, Ledger, REMOTE_KIND } from './ledger.js';

/** Every channel of a client. */
export class ChannelLedger {
  readonly #ledger: Ledger<Channel, ChannelStatus>;

  /** `awake` is held for each of them as long as it lives. */
  constructor(awake: KeepAwake, onChange: (change: ChannelChange) => void) {
    this.#ledger = new Ledger(awake, statusOf, onChange);
  }

  /** Living channels. */
  get size(): number {
    return this.#ledger.size;
  }

  /** The same tunnel, with its channels entered here. */
  over(tunnel: Tunnel): Tunnel {
    return {
      open: (target, handler) => this.#ledger.enter(target, handler, (telling) => tunnel.open(target, telling)),
    };
  }

  /** Enters one that has come to a remote listener; what is returned is to be called when it is accepted. */
  admit(channel: Channel, target: string, peer: string | undefined): () => void {
    return this.#ledger.admit(channel, target, REMOTE_KIND, peer);
  }

  /** The same for one that the server has opened to a service of the program. */
  admitCall(channel: Channel, service: string): () => void {
    return this.#ledger.admit(channel, service, CALL_KIND, undefined);
  }

  /** The same for a way past the tunnel: nobody is shown its channels, nor told of them. */
  hide(direct: Tunnel): Tunnel {
    return { open: (target, handler) => this.#ledger.hide(direct.open(target, handler)) };
  }

  /** What those of the tunnel have carried, and which live, oldest first. */
  status(): Pick<ClientStatus, 'bytesUp' | 'bytesDown' | 'channels'> {
    const { living, ...bytes } = this.#ledger.status();
    return { ...bytes, channels: living };
  }
}

function statusOf(entry: Entry<Channel>): ChannelStatus {
  const { target } = entry;
  return { ...commonStatusOf(entry), target: typeof target === 'string' ? target : formatTarget(target) };
}

/** Of what the server has opened to a service of the program. */
const CALL_KIND = 'call';
