import { type FailureCode, formatTarget, type Logger, type OfferedFlow, type Peer, TunnelError } from 'wsproxy-engine';
import type { Policy } from 'wsproxy-node/dial';
import { FlowCounts, type FlowTask, type RelayFlow } from 'wsproxy-node/dial/udp';
import { FlowPlace } from '../limits/flow-place.js';
import { type Guard, limitReached } from '../limits/guard.js';
import { flowEnding, flowSums } from '../observe/flow-sums.js';
import type { FlowRecord, OpenedFlow, ServerObserver } from '../observe/observer.js';
import type { User } from '../users/user.js';
import type { FlowInfo } from './flow-info.js';
import type { LivingFlow, SessionOfFlows } from './session-of-flows.js';

/** One flow from its FLOW to its end: all that the server does for it. */
export class ServedFlow implements LivingFlow {
  readonly #service: FlowService;
  readonly #flow: OfferedFlow;
  /** Whose it was when it was asked for: it counts as theirs. */
  readonly #user: User;
  readonly #session: SessionOfFlows;
  #place: FlowPlace | undefined;
  /** What it has carried; nothing until it is joined with sockets. */
  #counts = new FlowCounts();
  #address: string | undefined;
  #isOpen = false;
  #isRefused = false;

  constructor(service: FlowService, flow: OfferedFlow, session: SessionOfFlows) {
    this.#service = service;
    this.#flow = flow;
    this.#user = session.user;
    this.#session = session;
  }

  /** Everything that happens to it, in its order, until it is open; `#onOver` follows. */
  async serve(): Promise<void> {
    const { guard, relayFlow } = this.#service;
    const found = FlowPlace.take(guard, this.#flow, this.#user, this.#session.newPeers);
    const isLate = found instanceof Promise;
    if (isLate) this.#flow.onOver(() => this.#onOver());
    const place = isLate ? await found : found;
    // Over before other processes have answered.
    if (isLate && this.#flow.state.dead) return place?.leave();
    this.#place = place;
    if (!isLate) this.#flow.onOver(() => this.#onOver());
    if (place === undefined) return this.#refuse(guard.refusalOfFlow(this.#user));
    const { acceptFlow } = this.#service;
    try {
      // Otherwise at once: datagrams follow FLOW, and little of what comes ahead of the relay is kept.
      if (acceptFlow !== undefined) await this.#ask(acceptFlow);
      if (this.#flow.state.dead) return;
      const relay = relayFlow(this.#flow, this.#taskWith(place));
      this.#counts = relay.counts;
      this.#address = await relay.reach();
    } catch (error) {
      return this.#refuse(error instanceof TunnelError ? error : new TunnelError('INTERNAL', String(error)));
    }
    if (!this.#flow.state.dead) this.#open();
  }

  /** The session does not take it. */
  turnAway(code: 'LIMIT_REACHED' | 'GOING_AWAY'): void {
    this.#flow.onOver(() => this.#onOver());
    if (code === 'GOING_AWAY') return this.#refuse(new TunnelError(code));
    this.#service.guard.hit('flowsPerSession', this.#user.id);
    this.#refuse(limitReached('flowsPerSession'));
  }

  get info(): FlowInfo {
    const { target, figures } = this.#flow;
    return {
      target: target && formatTarget(target),
      open: this.#isOpen,
      ageMs: Math.round(figures.age),
      ...flowSums(figures, this.#counts),
    };
  }

  async #ask(acceptFlow: AcceptFlow): Promise<void> {
    const { host, port } = this.#flow.target ?? {};
    const isAccepted: unknown = await acceptFlow({ user: this.#user, host, port });
    if (isAccepted !== true) throw new TunnelError('DENIED', 'denied:acceptFlow');
  }

  #taskWith(room: FlowPlace): FlowTask {
    const { policyOf } = this.#service;
    const session = this.#session;
    return {
      user: this.#user,
      room,
      rules: () => policyOf(session.user),
      isAway: () => session.isAway,
      // For the one peer of a flow this is the reason why it is refused.
      ...(this.#flow.target === undefined && {
        onDestinationFailed: (peer, error) => this.#onDestinationFailed(peer, error),
      }),
    };
  }

  #open(): void {
    this.#isOpen = true;
    this.#session.onFlowOpened(this);
    this.#flow.accept();
    this.#service.observer.onFlowOpened?.(this.#opened);
    this.#service.logger.debug(this.#line(this.#opened), 'flow opened');
  }

  /** Unless it is over, since the one who has given it up is refused nothing. */
  #refuse(error: TunnelError): void {
    if (this.#flow.state.dead) return;
    const { guard } = this.#service;
    const { code, message } = error;
    guard.failed(error);
    this.#isRefused = true;
    const line = { ...this.#line(this.#opened), code, ...(this.#service.logTargets && { reason: message }) };
    guard.lines.writeSome(this.#user.id, code, line, 'flow refused');
    this.#flow.refuse(code);
  }

  /** Nothing is sent there. */
  #onDestinationFailed({ host, port }: Peer, { code, message }: TunnelError): void {
    const { guard, logTargets } = this.#service;
    const { user, session, flow } = this.#opened;
    const named = logTargets && { target: formatTarget({ host, port }), reason: message };
    guard.lines.writeSome(user, code, { user, session, flow, code, ...named }, 'datagrams refused');
  }

  #onOver(): void {
    const record: FlowRecord = {
      ...this.#opened,
      refused: this.#isRefused,
      ...flowEnding(this.#flow.figures, this.#counts),
    };
    this.#session.onFlowOver(this, record);
    this.#service.observer.onFlowOver?.(record);
    this.#place?.leave();
  }

  /** What a client says of itself proves nothing: so it hides no flow that has sent to anybody. */
  get #isProbe(): boolean {
    return this.#session.isProbe && this.#flow.target === undefined && this.#counts.destinations === 0;
  }

  /** What every record of it begins with. */
  get #opened(): OpenedFlow {
    const { target, id: flow } = this.#flow;
    const names = {
      user: this.#user.id,
      session: this.#session.id,
      flow,
      ...(this.#isProbe && { probe: true as const }),
    };
    return { ...names, target: target && formatTarget(target), address: this.#address };
  }

  /** For the log. */
  #line({ target, address, ...names }: OpenedFlow): object {
    return { ...names, ...(this.#service.logTargets && { target, address }) };
  }
}

/** What serves all flows. */
export interface FlowService {
  readonly relayFlow: RelayFlow;
  /** What may be sent to for a user. */
  readonly policyOf: (user: User) => Policy;
  readonly guard: Guard;
  readonly logger: Logger;
  readonly observer: ServerObserver;
  /** Whether log lines may say what users send to. */
  readonly logTargets: boolean;
  /** Has the first word, where an embedding program wants one. */
  readonly acceptFlow?: AcceptFlow | undefined;
}

/**
 * Says whether this server itself may serve a flow: only `true` does. The rules and the policy judge each destination
 * besides. What it throws, or rejects with, refuses the flow as INTERNAL.
 */
export type AcceptFlow<U extends User = User> = (request: FlowRequest<U>) => boolean | Promise<boolean>;

/** A flow that a client asks for. */
export interface FlowRequest<U extends User = User> {
  /** The one who asks for it. */
  readonly user: U;
  /** Its one peer, a name or an address in canonical spelling; undefined for a flow whose datagrams name their own. */
  readonly host: string | undefined;
  readonly port: number | undefined;
}

export type FlowRefusal = Extract<FailureCode, 'LIMIT_REACHED' | 'GOING_AWAY'>;
