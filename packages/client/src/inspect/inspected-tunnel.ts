import type { Channel, Flow, FlowTunnel, OfferedChannel, OpenHandler, Target, Tunnel } from 'wsproxy-engine';
import { ChannelStream, streamTo } from 'wsproxy-node/relay';
import { matchesDestination } from 'wsproxy-node/targets';
import { InProcessTunnel } from '../tunnel/in-process-tunnel.js';
import { Interception, type InterceptionTask } from './interception.js';

/**
 * Sends the connections that a rule names through a tunnel within this process. Its far end opens the true channel, answers as
 * that does, and then stands between the two.
 */
export class InspectedTunnel implements Tunnel, FlowTunnel {
  readonly #task: InterceptionTask;
  readonly #tunnel: Tunnel & FlowTunnel;
  readonly #inspected = new InProcessTunnel({
    onChannel: (channel) => this.#answer(channel),
    // None is opened there.
    onFlow: (flow) => flow.refuse('UNSUPPORTED'),
  });

  /** `tunnel`: where everything goes in the end. */
  constructor(task: InterceptionTask, tunnel: Tunnel & FlowTunnel) {
    this.#task = task;
    this.#tunnel = tunnel;
  }

  open(target: Target, handler: OpenHandler): Channel {
    const isNamed = this.#task.rules.some((rule) => matchesDestination(rule, target.host, target.port));
    return (isNamed ? this.#inspected : this.#tunnel).open(target, handler);
  }

  /** Datagrams are not looked into. */
  openFlow(target: Target | undefined, handler: OpenHandler): Flow {
    return this.#tunnel.openFlow(target, handler);
  }

  whenIdle(): Promise<void> {
    return this.#inspected.whenIdle();
  }

  close(): void {
    this.#inspected.close();
  }

  #answer(offered: OfferedChannel): void {
    const { target } = offered;
    const channel = this.#tunnel.open(target, {
      kind: 'inspected',
      onOpen: () => {
        if (offered.state.dead) return channel.reset('CANCELLED');
        offered.accept();
        connections += 1;
        const interception = new Interception(this.#task, target, connections, () => streamTo(this.#tunnel, target));
        void interception.run(new ChannelStream(offered, STREAM), new ChannelStream(channel, STREAM));
      },
      onFail: (code) => offered.refuse(code),
    });
    offered.onAbandoned(() => channel.reset('CANCELLED'));
  }
}

/** In this process, so far. */
let connections = 0;

/** As the listeners have it for applications: what came before a reset is still read. */
const STREAM = { allowHalfOpen: true, lastWords: 1_000 } as const;
