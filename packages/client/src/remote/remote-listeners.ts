import { type Arrival, type Clock, formatTarget, type Logger, withFields } from 'wsproxy-engine';
import type { ChannelLedger } from '../tunnel/channel-ledger.js';
import type { FlowLedger } from '../tunnel/flow-ledger.js';
import type { KeepAwake } from '../tunnel/keep-awake.js';
import type { ArrivalTaker } from './arrival-taker.js';
import { KeptListener } from './kept-listener.js';
import { addressText, type ListenWish } from './listen-wish.js';
import type { ListenerHomes } from './listener-homes.js';
import type { ListenerLedger, ListenerStand } from './listener-ledger.js';
import { reasonOf } from './refusal-words.js';

/**
 * The remote listeners of a client that are not closed: the process lives for them, they and what comes to them are entered in
 * its ledgers, and the one who has asked for one takes what comes.
 */
export class RemoteListeners {
  readonly #options: RemoteListenersOptions;
  readonly #living = new Map<KeptListener, ListenWish>();

  constructor(options: RemoteListenersOptions) {
    this.#options = options;
  }

  /** Asks for one, now and until it is closed. `onChange`: it stands another way than before. */
  keep(wish: ListenWish, taker: ArrivalTaker, onChange?: (listener: KeptListener) => void): KeptListener {
    const { homes, listeners, channels, flows, awake, clock, logger } = this.#options;
    const listener: KeptListener = new KeptListener(
      homes,
      wish,
      {
        onChange: () => {
          if (listener.state === 'closed') this.#forget(listener, taker);
          entry.changed();
          onChange?.(listener);
        },
        onChannel: (channel, arrival) => {
          entry.arrived(channel);
          const tellOpen = channels.admit(channel, taker.target, peerText(arrival));
          taker.takeChannel(channel, arrival, () => {
            channel.accept();
            tellOpen();
          });
        },
        onFlow: (flow, arrival, { session }) => {
          entry.arrived(flow);
          const tellOpen = flows.admit(flow, taker.target, peerText(arrival));
          taker.takeFlow(
            flow,
            () => !session.attached,
            () => {
              flow.accept();
              tellOpen();
            },
          );
        },
      },
      // What tells apart those at any port.
      { clock, logger: withFields(logger, { target: taker.target }) },
    );
    const entry = listeners.enter({ listen: wish.text, target: taker.target }, () => standOf(listener, wish));
    this.#living.set(listener, wish);
    awake.hold(listener);
    listener.start();
    return listener;
  }

  /** Whether one of them has this name: they would take the port from each other. */
  has(name: string): boolean {
    return [...this.#living.values()].some((wish) => wish.name === name);
  }

  /** Takes nothing more; what has come lives on. */
  close(): void {
    for (const listener of [...this.#living.keys()]) listener.close();
  }

  #forget(listener: KeptListener, taker: ArrivalTaker): void {
    this.#living.delete(listener);
    taker.retire?.();
    this.#options.awake.release(listener);
  }
}

export interface RemoteListenersOptions {
  readonly homes: ListenerHomes;
  readonly listeners: ListenerLedger;
  readonly channels: ChannelLedger;
  readonly flows: FlowLedger;
  readonly awake: KeepAwake;
  readonly clock: Clock;
  readonly logger: Logger;
}

function standOf({ state, address, server, failure }: KeptListener, { kind }: ListenWish): ListenerStand {
  return {
    state,
    address: address && addressText(kind, address),
    server,
    failure,
    reason: failure && reasonOf(failure),
  };
}

function peerText({ peer }: Arrival): string | undefined {
  return peer && formatTarget(peer);
}
