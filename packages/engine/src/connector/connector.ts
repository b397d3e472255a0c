import { callOut } from '../call-out.js';
import type { Channel } from '../channel/channel.js';
import type { OpenHandler } from '../channel/handlers.js';
import type { Tunnel } from '../channel/tunnel.js';
import type { Flow } from '../datagram/flow.js';
import type { FlowTunnel } from '../datagram/flow-tunnel.js';
import { TunnelError } from '../errors.js';
import type { FailureCode } from '../failures.js';
import { Capability } from '../frame/capabilities.js';
import type { Target } from '../target.js';
import { clientBudgets } from './client-budgets.js';
import { ConnectError } from './connect-error.js';
import type { KnownServer, WayStatus } from './known-server.js';
import type { Retry } from './phases.js';
import { Slot, type SlotEvents, type SlotOptions, type SlotState } from './slot.js';
import type { Uplink } from './uplink.js';

/** Keeps the tunnel up: as many slots as connections were asked for, each with a living session as soon as can be. */
export class Connector implements Tunnel, FlowTunnel {
  readonly #options: ConnectorOptions;
  readonly #slots: readonly Slot[];
  /** Why servers refuse, each for good as things are. */
  readonly #refusals = new Map<KnownServer, ConnectError>();
  /** Why there will be no tunnel: every server has refused, or this was closed. */
  #end: ConnectError | undefined;
  #hasServed = false;
  #state: ConnectorState = 'idle';
  #resumes = 0;
  /** When it was connected, or not any more, by the clock. */
  #changedAt: number;
  readonly #idleWaits = new Set<{ resolve(): void; reject(error: TunnelError): void }>();
  /** Told when what `home` and `isInUse` say may have changed. */
  readonly #watchers = new Set<() => void>();
  /** Those who wait for the first connection. */
  readonly #starts = new Set<{ resolve(): void; reject(error: ConnectError): void }>();

  constructor(options: ConnectorOptions) {
    this.#options = options;
    this.#changedAt = options.clock.now();
    // Anyone who comes to a remote listener, or calls, meanwhile waits at the server, or finds nobody there.
    const isAwaited = (): boolean => this.#watchers.size > 0 || options.isAwaited?.() === true;
    const settings = {
      ...options,
      isAwaited,
      processBudgets: options.processBudgets ?? clientBudgets(options.connections),
    };
    this.#slots = Array.from({ length: options.connections }, () => new Slot(settings, this.#events));
  }

  get state(): ConnectorState {
    return this.#state;
  }

  /** Living channels. */
  get channelCount(): number {
    return this.#slots.flatMap(({ uplinks }) => uplinks).reduce((sum, { session }) => sum + session.channelCount, 0);
  }

  /** Why there is no tunnel; undefined while there is one, and as long as nobody knows. */
  get trouble(): ConnectError | undefined {
    return this.#end ?? leastBusy(this.#uplinks).trouble;
  }

  /** The server that takes new channels, if it is one that tells its users what it counts for them. */
  get accountServer(): string | undefined {
    const { server, session, state } = leastBusy(this.#uplinks);
    return state === 'online' && session.terms.has(Capability.account) ? server.name : undefined;
  }

  status(): TunnelStatus {
    const { server, session, state, way } = leastBusy(this.#uplinks);
    const { roundTrip } = session.figures;
    const { clock, servers } = this.#options;
    const isOnline = state === 'online';
    const isKnown = isOnline && Number.isFinite(roundTrip);
    const { reason, nextTryMs, failedTries } = this.#serverStatus(server);
    return {
      state: this.#state,
      sinceMs: Math.round(clock.now() - this.#changedAt),
      server: server.name,
      reason,
      nextTryMs,
      failedTries,
      servers: servers.map((one) => this.#serverStatus(one)),
      way,
      roundTripMs: isKnown ? Math.round(roundTrip * 1_000) / 1_000 : undefined,
      resumes: this.#resumes,
      stranded: this.#slots.reduce((sum, slot) => sum + slot.stranded, 0),
    };
  }

  #threatOf(server: KnownServer): string | undefined {
    return this.#slots.map((slot) => slot.threatOf(server)).find((threat) => threat !== undefined);
  }

  #serverStatus(server: KnownServer): ServerStatus {
    const states = this.#state === 'idle' ? [] : this.#slots.map((slot) => slot.stateOf(server));
    const state = RANKING.find((one) => states.includes(one)) ?? 'standby';
    const troubles = this.#slots.flatMap((slot) => slot.troubleOf(server) ?? []);
    const [trouble] = isConnected(state) ? [] : troubles.sort((a, b) => a.nextTry - b.nextTry);
    const wait = (trouble?.nextTry ?? 0) - this.#options.clock.now();
    return {
      server: server.name,
      state,
      reason: trouble?.reason ?? (isConnected(state) ? this.#threatOf(server) : undefined),
      nextTryMs: state === 'waiting' && trouble !== undefined ? Math.max(0, Math.round(wait)) : undefined,
      failedTries: trouble?.failedTries ?? 0,
    };
  }

  /**
   * Connects, and stays connected until `close`. Resolves once a server has answered for the first time; rejects
   * with ConnectError when that can never succeed as things are, and this is then closed.
   */
  async start(): Promise<void> {
    if (this.#state === 'closed') throw this.trouble;
    if (this.#hasServed) return;
    await new Promise<void>((resolve, reject) => {
      this.#starts.add({ resolve, reject });
      this.reconnectNow();
    });
  }

  /** Does not wait for the next retry. */
  reconnectNow(): void {
    for (const slot of this.#slots) slot.connect();
  }

  /** The machine may have slept, or changed its network: what looks alive has to show it soon, and nobody waits for the next retry. */
  wake(): void {
    if (this.#state === 'idle' || this.#state === 'closed') return;
    for (const slot of this.#slots) slot.wake();
  }

  /** Goes on with other transports, opened with the tokens of now; nothing is lost. */
  renew(): void {
    if (this.#state === 'idle' || this.#state === 'closed') return;
    for (const slot of this.#slots) slot.renew();
  }

  open(target: Target, handler: OpenHandler): Channel {
    return leastBusy(this.#uplinks).open(target, handler, this.#options.optimistic);
  }

  openFlow(target: Target | undefined, handler: OpenHandler): Flow {
    // Behind one address there may be servers of several versions.
    const knowing = this.#uplinks.filter(({ session }) => session.terms.has(Capability.flows));
    return leastBusy(knowing.length > 0 ? knowing : this.#uplinks).openFlow(target, handler);
  }

  /**
   * Where a remote listener is to begin: in the session of the first slot that is online, of those whose server knows of
   * such. Undefined while there is none.
   */
  get home(): Uplink | undefined {
    const online = this.#slots.filter(({ state }) => state === 'online').map(({ uplink }) => uplink);
    return online.find(({ session }) => session.terms.has(Capability.listen)) ?? online[0];
  }

  /** Whether what lives there may stay: the session has not ended, and will not end when its channels are over. */
  isInUse(uplink: Uplink): boolean {
    return this.#slots.some((slot) => slot.uses(uplink));
  }

  /** Calls `watcher` whenever one of these two may have changed, until what is returned is called. */
  watch(watcher: () => void): () => void {
    this.#watchers.add(watcher);
    return () => this.#watchers.delete(watcher);
  }

  /** Resolves when no channel lives and the server has had all that was sent; rejects when it never will. */
  whenIdle(): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#idleWaits.add({ resolve, reject });
      this.#noteIdle();
    });
  }

  /** Leaves for good: every channel is reset, the server is told. */
  close(): void {
    this.#close(new ConnectError('this client was closed', false, { code: 'CLOSED' }), 'CANCELLED');
  }

  /** Channels are told `failure`. */
  #close(end: ConnectError, failure: FailureCode): void {
    if (this.#state === 'closed') return;
    this.#end = end;
    this.#setState('closed');
    for (const slot of this.#slots) slot.close('this client was closed', failure);
    this.#failIdleWaits(failure);
    for (const { reject } of this.#starts) reject(end);
    this.#starts.clear();
  }

  #noteIdle(): void {
    if (!this.#slots.flatMap(({ uplinks }) => uplinks).every(({ session }) => session.isIdle)) return;
    for (const { resolve } of this.#idleWaits) resolve();
    this.#idleWaits.clear();
  }

  #failIdleWaits(failure: FailureCode): void {
    for (const { reject } of this.#idleWaits) reject(new TunnelError(failure));
    this.#idleWaits.clear();
  }

  get #uplinks(): readonly Uplink[] {
    return this.#slots.map(({ uplink }) => uplink);
  }

  readonly #events: SlotEvents = {
    onState: () => {
      this.#rank();
      for (const watcher of this.#watchers) watcher();
    },
    onRetry: ({ server }, retry) => callOut(() => this.#options.onRetry?.(server, retry)),
    onPromoted: ({ server }, former) => {
      if (server !== former.server) callOut(() => this.#options.onServer?.(server, former.server));
      for (const watcher of this.#watchers) watcher();
    },
    onResumed: ({ server }) => {
      this.#resumes += 1;
      callOut(() => this.#options.onResumed?.(server));
    },
    onRefused: ({ server }, error) => {
      if (this.#options.endsWhenRefused === true) return this.#close(error, 'TUNNEL_DOWN');
      this.#refusals.set(server, error);
      if (!this.#hasServed && this.#refusals.size === this.#options.servers.length) this.#giveUp(error);
    },
    onIdle: () => this.#noteIdle(),
    onUndialled: (_uplink, channels) => leastBusy(this.#uplinks).adopt(channels),
    onEnded: (_uplink, unsent) => {
      this.#failIdleWaits('SESSION_LOST');
      leastBusy(this.#uplinks).adopt(unsent);
    },
  };

  /** No server will ever serve as things are: anyone who waits is told, and the one who has started this decides what comes next. */
  #giveUp(last: ConnectError): void {
    const [best] = this.#options.servers;
    const refusal = (best && this.#refusals.get(best)) ?? last;
    if (this.#starts.size > 0) return this.#close(refusal, 'TUNNEL_DOWN');
    for (const { uplink } of this.#slots) uplink.giveUp();
  }

  #rank(): void {
    if (this.#state === 'closed') return;
    const states = this.#slots.map(({ state }) => state);
    this.#setState(RANKING.find((state) => states.includes(state)) ?? 'waiting');
  }

  #setState(state: ConnectorState): void {
    const previous = this.#state;
    if (state === previous) return;
    this.#state = state;
    if (previous === 'idle' || isConnected(state) !== isConnected(previous))
      this.#changedAt = this.#options.clock.now();
    this.#options.logger.debug({ state, previous }, 'connector');
    callOut(() => this.#options.onState?.(state, previous));
    if (state !== 'online') return;
    this.#hasServed = true;
    for (const { resolve } of this.#starts) resolve();
    this.#starts.clear();
  }
}

/** `idle` before `start`; then that of the best slot. */
export type ConnectorState = 'idle' | SlotState;

/** How the tunnel stands now. */
export interface TunnelStatus {
  readonly state: ConnectorState;
  /** URL of the server that takes new channels, or is tried while none does. */
  readonly server: string;
  /** For how long it is connected, or is not, ms. */
  readonly sinceMs: number;
  /**
   * Why it is not connected: the last failure; undefined before the first try has ended. While it is connected: why it will
   * not be for long; mostly undefined.
   */
  readonly reason: string | undefined;
  /** Until the next try, ms; undefined while there is nothing to wait for. */
  readonly nextTryMs: number | undefined;
  /** Tries that have failed one after the other. */
  readonly failedTries: number;
  /** All of them, in the order of preference. */
  readonly servers: readonly ServerStatus[];
  /** What carries the bytes to it, since when and why; undefined while it is not connected. */
  readonly way: WayStatus | undefined;
  /** Shortest round trip of the last seconds; undefined while unknown. */
  readonly roundTripMs: number | undefined;
  /** How often a session went on with another connection. */
  readonly resumes: number;
  /**
   * Channels and flows that wait for a process of the server which does not answer, while another one serves what is new: 0, unless a
   * server of several processes has trouble.
   */
  readonly stranded: number;
}

/** How it stands with one of the servers. */
export interface ServerStatus extends Pick<TunnelStatus, 'server' | 'reason' | 'nextTryMs' | 'failedTries'> {
  /** `standby`: it is not asked now. */
  readonly state: SlotState | 'standby';
}

export interface ConnectorOptions extends SlotOptions {
  /** Sessions to spread the channels over. */
  readonly connections: number;
  /** Tell applications success at once, and failure by a reset. */
  readonly optimistic: boolean;
  /** The first server that refuses this end for good ends it, though it has served before. Default: it is asked again, after pauses. */
  readonly endsWhenRefused?: boolean;
  readonly onState?: (state: ConnectorState, previous: ConnectorState) => void;
  /** A session goes on with another connection to this server. */
  readonly onResumed?: (server: KnownServer) => void;
  /** A server is not connected, and will be tried again. */
  readonly onRetry?: (server: KnownServer, retry: Retry) => void;
  /** Another server serves now. */
  readonly onServer?: (server: KnownServer, former: KnownServer) => void;
}

/** From the best to the worst. An uplink that is closed is about to be replaced; the connector is not closed with it. */
const RANKING: readonly SlotState[] = ['online', 'draining', 'connecting', 'waiting'];

/** It carries, perhaps not for long. */
export function isConnected(state: ConnectorState | ServerStatus['state']): boolean {
  return state === 'online' || state === 'draining';
}

/** The one with the least under way, of those that are online, or of all when none is. */
function leastBusy(uplinks: readonly Uplink[]): Uplink {
  const online = uplinks.filter(({ state }) => state === 'online');
  const [first, ...others] = online.length > 0 ? online : uplinks;
  if (first === undefined) throw new RangeError('connections must be at least 1');
  return others.reduce((best, uplink) => (isLessBusy(uplink, best) ? uplink : best), first);
}

function isLessBusy(a: Uplink, b: Uplink): boolean {
  const difference = a.session.figures.bytesInFlight - b.session.figures.bytesInFlight;
  return difference === 0 ? a.carried < b.carried : difference < 0;
}
