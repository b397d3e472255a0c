import { type FailureCode, MemoryBudget, type OfferedFlow, TunnelError } from 'wsproxy-engine';
import type { FlowRelay, FlowTask } from 'wsproxy-node/dial/udp';
import { type DirectRules, policyOf } from './direct-rules.js';

/**
 * Answers a flow with what has become of the way to its peer, if it has one; joins it with sockets of this machine, at once if
 * what does that is loaded: little of what comes before is kept.
 */
export async function answerFlow(
  flow: OfferedFlow,
  loaded: RelayFlow | Promise<RelayFlow>,
  { task, accept = () => flow.accept(), onFail }: AnswerFlowOptions = {},
): Promise<void> {
  try {
    const relayFlow = loaded instanceof Promise ? await loaded : loaded;
    if (flow.state.dead) return;
    await relayFlow(flow, task).reach();
    if (!flow.state.dead) accept();
  } catch (error) {
    const code = error instanceof TunnelError ? error.code : 'INTERNAL';
    if (!flow.state.dead) onFail?.(code);
    flow.refuse(code);
  }
}

/** Only those who have rules for it wait for it. The name of a destination is resolved by the system. */
export async function loadRelayFlow(directRules?: DirectRules): Promise<RelayFlow> {
  const { createResolver, systemLookup } = await import('wsproxy-node/dial');
  const { createUdpDial } = await import('wsproxy-node/dial/udp');
  const relayFlow = createUdpDial({ resolver: createResolver({ lookup: systemLookup }) });
  const rules = await policyOf(directRules);
  const task: FlowTask = { ...TASK, rules: () => rules };
  return (flow, more) => relayFlow(flow, more === undefined ? task : { ...task, ...more });
}

/** Joins a flow with sockets of this machine. */
export type RelayFlow = (flow: OfferedFlow, task?: FlowTaskOfOne) => FlowRelay;

export interface AnswerFlowOptions {
  readonly task?: FlowTaskOfOne;
  /** In place of the flow's own. */
  readonly accept?: () => void;
  /** It is refused since its peer cannot be reached. */
  readonly onFail?: (code: FailureCode) => void;
}

/** What is said of one flow alone. */
type FlowTaskOfOne = Partial<Pick<FlowTask, 'target' | 'isAway'>>;

/** For what waits until its destination is known, bytes. */
const WAITING: MemoryBudget = new MemoryBudget(4 * 1024 * 1024);

/** There is one user here, who may take anything that the machine has. */
const TASK: Omit<FlowTask, 'rules'> = {
  user: { id: '' },
  isAway: () => false,
  room: {
    takeSocket: () => true,
    releaseSocket() {},
    takeDestination: () => true,
    reserve: (bytes) => WAITING.reserve(bytes),
    release: (bytes) => WAITING.release(bytes),
    mayPass: () => true,
    onReceived() {},
  },
};
