import { type Flow, type FlowTunnel, formatTarget } from 'wsproxy-engine';
import type { ClientStatus, FlowChange, FlowStatus } from './client-status.js';
import type { KeepAwake } from './keep-awake.js';
import { commonStatusOf, type Entry, Ledger, REMOTE_KIND } from './ledger.js';

/** As `ChannelLedger` for channels: every flow of a client. */
export class FlowLedger {
  readonly #ledger: Ledger<Flow, FlowStatus>;

  /** `awake` is held for each of them as long as it lives. */
  constructor(awake: KeepAwake, onChange: (change: FlowChange) => void) {
    this.#ledger = new Ledger(awake, statusOf, onChange);
  }

  /** Living flows. */
  get size(): number {
    return this.#ledger.size;
  }

  /** The same tunnel, with its flows entered here. */
  over(tunnel: FlowTunnel): FlowTunnel {
    return {
      openFlow: (target, handler) => this.#ledger.enter(target, handler, (telling) => tunnel.openFlow(target, telling)),
    };
  }

  /** Enters one that has come to a remote listener; what is returned is to be called when it is accepted. */
  admit(flow: Flow, target: string, peer: string | undefined): () => void {
    return this.#ledger.admit(flow, target, REMOTE_KIND, peer);
  }

  /** The same for a way past the tunnel: nobody is shown its flows, nor told of them. */
  hide(direct: FlowTunnel): FlowTunnel {
    return { openFlow: (target, handler) => this.#ledger.hide(direct.openFlow(target, handler)) };
  }

  /** What those of the tunnel have carried, and which live, oldest first. */
  status(): Pick<ClientStatus, 'bytesUp' | 'bytesDown' | 'flows'> {
    const { living, ...bytes } = this.#ledger.status();
    return { ...bytes, flows: living };
  }
}

function statusOf(entry: Entry<Flow>): FlowStatus {
  const { target, one } = entry;
  const { datagramsSent, datagramsReceived, datagramsDropped } = one.figures;
  const { tooBig, full, late, unaddressed } = datagramsDropped;
  return {
    ...commonStatusOf(entry),
    target: typeof target === 'object' ? formatTarget(target) : target,
    datagramsUp: datagramsSent,
    datagramsDown: datagramsReceived,
    datagramsDropped: tooBig + full + late + unaddressed,
  };
}
