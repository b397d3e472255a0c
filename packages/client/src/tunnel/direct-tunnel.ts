import { Socket } from 'node:net';
import {
  type Channel,
  type Flow,
  type FlowTunnel,
  type OfferedChannel,
  type OpenHandler,
  type Target,
  type Tunnel,
  TunnelError,
} from 'wsproxy-engine';
import type { Dialed, GiveUpSignal } from 'wsproxy-node/dial';
import { relay } from 'wsproxy-node/relay';
import { answerFlow, loadRelayFlow, type RelayFlow } from './answer-flow.js';
import { type DirectRules, policyOf } from './direct-rules.js';
import { InProcessTunnel } from './in-process-tunnel.js';
import { lazily } from './lazily.js';

/** A tunnel within this process. Its far end dials, as a server does: anything that it is asked for, unless there are rules. */
export class DirectTunnel implements Tunnel, FlowTunnel {
  readonly #dial: () => Dial | Promise<Dial>;
  readonly #relayFlow: () => RelayFlow | Promise<RelayFlow>;
  readonly #tunnel = new InProcessTunnel({
    onChannel: (channel) => void answer(channel, this.#dial()),
    onFlow: (flow) => void answerFlow(flow, this.#relayFlow()),
  });

  /** By default everything may be dialled. */
  constructor(rules?: DirectRules) {
    this.#dial = lazily(() => loadDial(rules));
    this.#relayFlow = lazily(() => loadRelayFlow(rules));
  }

  open(target: Target, handler: OpenHandler): Channel {
    return this.#tunnel.open(target, handler);
  }

  openFlow(target: Target | undefined, handler: OpenHandler): Flow {
    return this.#tunnel.openFlow(target, handler);
  }

  /** Loads what dials ahead of the first connection: then there may be no descriptor left to read it by. */
  prepare(): void {
    for (const loading of [this.#dial(), this.#relayFlow()]) Promise.resolve(loading).catch(() => {});
  }

  /** Resolves when no channel and no flow lives, and what was sent has been handed to the system. */
  whenIdle(): Promise<void> {
    return this.#tunnel.whenIdle();
  }

  /** Resets every channel and every flow. */
  close(): void {
    this.#tunnel.close();
  }
}

/** Only those who have rules for it wait for it. The name of a target is resolved by the system. */
export async function loadDial(directRules?: DirectRules): Promise<Dial> {
  const { createDial, createResolver, systemLookup } = await import('wsproxy-node/dial');
  const dial = createDial({ resolver: createResolver({ lookup: systemLookup }) });
  const rules = await policyOf(directRules);
  const begin: Dial = (target, signal) => dial({ target, user: SELF, rules, signal });
  if (directRules === undefined) return begin;
  return (target, signal) => directRules.inTurn(() => begin(target, signal), signal);
}

export type Dial = (target: Target, signal: GiveUpSignal) => Promise<Dialed>;

/** Answers a channel with what has become of the connection to its target. */
async function answer(channel: OfferedChannel, loaded: Dial | Promise<Dial>): Promise<void> {
  const ending = new AbortController();
  channel.onAbandoned(() => ending.abort(new TunnelError('CANCELLED')));
  try {
    const dial = await loaded;
    const { socket } = await dial(channel.target, ending.signal);
    // Anyone who has opened the channel says whether the process is to live for it; what was written leaves all the same.
    if (socket instanceof Socket) socket.unref();
    if (channel.state.dead) return void socket.destroy();
    channel.accept();
    relay(channel, socket);
  } catch (error) {
    channel.refuse(error instanceof TunnelError ? error.code : 'INTERNAL');
  }
}

/** There is one user here. */
const SELF = { id: '' };
