import type { Timer } from '../clock.js';
import type { FailureCode } from '../failures.js';
import { withFields } from '../logger.js';
import { Backoff } from './backoff.js';
import type { KnownServer } from './known-server.js';
import type { Retry, UplinkState } from './phases.js';
import { Uplink } from './uplink.js';
import type { UplinkEvents } from './uplink-events.js';
import type { UplinkSettings } from './uplink-options.js';

/**
 * One place of the pool: the uplink in use, perhaps candidates for its place on other servers, and those that lost it and only
 * finish what they have. The candidate that is online first takes the place, so no server is left before the next one has
 * answered, and no channel that runs is moved.
 */
export class Slot {
  readonly #options: SlotOptions;
  readonly #events: SlotEvents;
  readonly #backoffs: ReadonlyMap<KnownServer, Backoff>;
  readonly #retired = new Set<Uplink>();
  /** Those of the retired whose server has asked for it. */
  readonly #draining = new Set<Uplink>();
  /** And when each began, by the clock: the last one is the newest. */
  readonly #candidates = new Map<Uplink, number>();
  /** Servers that had their candidate in this round. */
  readonly #tried = new Set<KnownServer>();
  /** Servers that have ended a session that was of no use, and until when they are not asked for another, by the clock. */
  readonly #resting = new Map<KnownServer, number>();
  /** Of the servers that were not reached since they were connected for the last time. */
  readonly #troubles = new Map<KnownServer, Trouble>();
  #present: Uplink;
  #timer: Timer | undefined;
  #closed = false;

  constructor(options: SlotOptions, events: SlotEvents) {
    this.#options = options;
    this.#events = events;
    this.#backoffs = new Map(options.servers.map((server) => [server, this.#newBackoff()]));
    const [first] = options.servers;
    if (first === undefined) throw new RangeError('there must be a server');
    this.#present = this.#newUplink(first);
  }

  /** The uplink that takes new channels: as long as the next one is not there, one whose server drains may still do so. */
  get uplink(): Uplink {
    return (this.#present.state === 'online' ? undefined : this.#lastResort) ?? this.#present;
  }

  get state(): SlotState {
    const { state } = this.#present;
    const isDraining = [...this.#draining].some((uplink) => uplink.state === 'online');
    return state !== 'online' && isDraining ? 'draining' : state;
  }

  /**
   * A server that is about to stop serves until then, though it does not begin what `other` is to be; and one may serve whose process
   * for `other` does not answer.
   */
  #isServedBeside(other: Uplink): boolean {
    return [...this.#draining, this.#present].some(
      (uplink) => uplink !== other && uplink.server === other.server && uplink.state === 'online',
    );
  }

  get #lastResort(): Uplink | undefined {
    return [...this.#draining].findLast((uplink) => uplink.state === 'online' && uplink.takesChannels);
  }

  /** Whether it is the one in use; others only finish what they have. */
  uses(uplink: Uplink): boolean {
    return uplink === this.#present && this.#present.state !== 'closed';
  }

  /** Every uplink that may carry a channel. */
  get uplinks(): Uplink[] {
    return [this.#present, ...this.#retired];
  }

  /** How it stands with a server; undefined when nobody asks it now. */
  stateOf(server: KnownServer): SlotState | undefined {
    if (this.#present.server === server) return this.state;
    return [...this.#candidates.keys()].find((candidate) => candidate.server === server)?.state;
  }

  /** Why a server is not connected; undefined while it is, and before it was tried. */
  troubleOf(server: KnownServer): Trouble | undefined {
    return this.#troubles.get(server);
  }

  /** Why the session with a server that is connected ends soon; undefined when it does not. */
  threatOf(server: KnownServer): string | undefined {
    return this.#present.server === server ? this.#present.threat?.message : undefined;
  }

  /** Channels and flows that wait for a process of their server which does not answer, while others are served. */
  get stranded(): number {
    if (this.#present.state !== 'online') return 0;
    return [...this.#retired]
      .filter(({ ownerAwaySince }) => ownerAwaySince !== undefined)
      .reduce((sum, { carried }) => sum + carried, 0);
  }

  /** Does not wait for the next retry. */
  connect(): void {
    for (const backoff of this.#backoffs.values()) backoff.reset();
    for (const uplink of this.uplinks) uplink.connect();
  }

  /** As `connect`; those that are online have to show it. */
  wake(): void {
    for (const uplink of this.uplinks) uplink.session.probe();
    this.connect();
  }

  /** Goes on with other transports, opened with the tokens of now; nothing is lost. */
  renew(): void {
    for (const backoff of this.#backoffs.values()) backoff.reset();
    for (const uplink of [...this.uplinks, ...this.#candidates.keys()]) uplink.renew();
  }

  /** Every channel is reset, and told `failure`; so are the servers. */
  close(reason: string, failure: FailureCode): void {
    this.#closed = true;
    this.#timer?.cancel();
    this.#drop(...this.#candidates.keys());
    for (const uplink of this.uplinks) uplink.close(reason, failure);
  }

  readonly #uplinkEvents: UplinkEvents<Uplink> = {
    onState: (uplink) => {
      if (this.#closed) return;
      if (uplink.state === 'online') this.#troubles.delete(uplink.server);
      if (this.#candidates.has(uplink) && uplink.state === 'online') this.#promote(uplink);
      if (uplink === this.#lastResort && uplink === this.uplink) uplink.adopt(this.#present.release());
      if (uplink !== this.#present) return this.#draining.has(uplink) ? this.#events.onState(uplink) : undefined;
      if (uplink.state === 'online') this.#settle();
      else if (uplink.state === 'connecting') this.#seekAfter(FAILOVER_AFTER);
      this.#events.onState(uplink);
    },
    onRetry: (uplink, retry) => {
      const isLastResort = this.state === 'draining' && this.#draining.has(uplink);
      if (uplink !== this.#present && !this.#candidates.has(uplink) && !isLastResort) return;
      this.#noteTrouble(uplink.server, retry);
      // A pause that only goes on is nobody's news.
      if (retry.former !== 'waiting') this.#events.onRetry(uplink, retry);
    },
    onResumed: (uplink) => this.#events.onResumed(uplink),
    onRefused: (uplink, error) => {
      if (!this.#retired.has(uplink)) this.#events.onRefused(uplink, error);
    },
    onUnreachable: (uplink) => {
      if (this.#candidates.has(uplink)) this.#drop(uplink);
      else if (uplink !== this.#present) return;
      this.#seek();
    },
    onDraining: (uplink) => {
      if (uplink !== this.#present) return;
      if (uplink.takesChannels) this.#draining.add(uplink);
      this.#renew();
      this.#retire(uplink);
    },
    onUndialled: (uplink, channels) => {
      if (this.#closed || !this.#retired.has(uplink)) return;
      const recent = channels.filter(({ figures }) => figures.age < REOPEN_WITHIN);
      this.#events.onUndialled(uplink, recent);
    },
    onTurnedAway: (uplink) => {
      if (this.#closed || !this.#retired.has(uplink)) return;
      this.#events.onUndialled(uplink, uplink.release());
      this.#uplinkEvents.onIdle(uplink);
    },
    onIdle: (uplink) => {
      if (uplink !== this.uplink && !uplink.isHeld && this.#retired.delete(uplink)) uplink.close('drained');
      this.#events.onIdle(uplink);
    },
    onEnded: (uplink, unsent) => {
      this.#retired.delete(uplink);
      const hasDrained = this.#draining.delete(uplink);
      if (this.#closed) return;
      if (this.#candidates.delete(uplink)) return this.#dismiss(uplink);
      if (uplink === this.#present) this.#renew();
      else if (hasDrained) this.#followUp(uplink);
      this.#events.onEnded(uplink, unsent);
    },
  };

  /** A server that has drained is gone, and the next one in its place starts just now. */
  #followUp({ server }: Uplink): void {
    const present = this.#present;
    if (present.state !== 'waiting' || present.server !== server) return;
    this.#backoffOf(server).reset();
    present.connectLater('the server has stopped');
    this.#events.onState(present);
  }

  #noteTrouble(server: KnownServer, { reason, delay, former }: Retry): void {
    const before = this.#troubles.get(server);
    const failedTries = before?.failedTries ?? 0;
    this.#troubles.set(server, {
      // Why the last one has ended says more.
      reason: reason === NEW_SESSION ? (before?.reason ?? reason) : reason,
      nextTry: this.#options.clock.now() + delay,
      failedTries: former === 'connecting' ? failedTries + 1 : failedTries,
    });
  }

  /** The uplink in use is online: only a better server may still be looked for. */
  #settle(): void {
    this.#tried.clear();
    const rivals = this.#rivals();
    for (const candidate of this.#candidates.keys()) if (!rivals.includes(candidate.server)) this.#drop(candidate);
    this.#seekAfter(PREFERENCE_INTERVAL);
    // They were kept for what came meanwhile.
    for (const uplink of this.#draining) if (uplink.session.isIdle) this.#uplinkEvents.onIdle(uplink);
  }

  /**
   * Servers that would be worth a change: better ones while there is one that serves, any other while there is none; and its own for
   * another session, when it lives without the process that has this one.
   */
  #rivals(): readonly KnownServer[] {
    const { servers } = this.#options;
    const { server, state, ownerAwaySince } = this.#present;
    if (state === 'online') return servers.slice(0, servers.indexOf(server));
    return ownerAwaySince === undefined ? servers.filter((other) => other !== server) : servers;
  }

  /** How long to wait for the process that has the session before others are asked, ms: its server at least lives. */
  get #patience(): number {
    const { ownerAwaySince } = this.#present;
    return ownerAwaySince === undefined ? 0 : ownerAwaySince + FAILOVER_AFTER - this.#options.clock.now();
  }

  #seekAfter(delay: number): void {
    this.#timer?.cancel();
    if (this.#rivals().length > 0) this.#timer = this.#options.clock.setTimer(() => this.#seek(), delay);
  }

  /** The next rival begins once the one before it has failed, or had its time to answer: that one then goes on beside it. */
  #seek(): void {
    if (this.#closed) return;
    const { clock } = this.#options;
    const newest = [...this.#candidates.values()].at(-1);
    const headStart = newest === undefined ? this.#patience : newest + FAILOVER_AFTER - clock.now();
    if (headStart > 0) return this.#seekAfter(headStart);
    const rivals = this.#rivals();
    const next = rivals.find((server) => !this.#tried.has(server) && this.#restOf(server) <= 0);
    if (next === undefined) return this.#endRound(rivals);
    this.#tried.add(next);
    const candidate = this.#newUplink(next);
    this.#candidates.set(candidate, clock.now());
    candidate.connect();
    this.#seekAfter(FAILOVER_AFTER);
  }

  /** Each of the rivals had its turn, or rests; the candidates there are tell what becomes of them. */
  #endRound(rivals: readonly KnownServer[]): void {
    if (this.#candidates.size > 0) return;
    this.#tried.clear();
    const rests = rivals.map((server) => this.#restOf(server)).filter((rest) => rest > 0);
    if (this.#present.state === 'online') this.#seekAfter(PREFERENCE_INTERVAL);
    else if (rests.length > 0) this.#seekAfter(Math.min(...rests));
  }

  #promote(uplink: Uplink): void {
    const former = this.#present;
    this.#present = uplink;
    this.#candidates.delete(uplink);
    this.#drop(...this.#candidates.keys());
    this.#logPromotion(uplink, former);
    uplink.adopt(former.release());
    this.#retire(former);
    this.#events.onPromoted(uplink, former);
  }

  #logPromotion({ server }: Uplink, former: Uplink): void {
    const { logger } = this.#options;
    const { carried: channels } = former;
    if (former.server === server) {
      logger.warn(
        { server: server.name, channels },
        'a new session serves; the process that has the former one does not answer',
      );
    } else logger.info({ server: server.name, former: former.server.name }, 'another server serves now');
  }

  /** A fresh session on the same server; if the last one was of no use, another server may be faster. */
  #renew(): void {
    const { server, wasOfUse } = this.#present;
    this.#present = this.#newUplink(server);
    const pause = this.#present.connectLater(NEW_SESSION);
    this.#events.onState(this.#present);
    if (!wasOfUse) this.#rest(server, pause);
  }

  /** The candidate's session is over. */
  #dismiss({ server, wasOfUse }: Uplink): void {
    this.#rest(server, wasOfUse ? 0 : this.#backoffOf(server).next(false, this.#options.clock.now()));
  }

  #rest(server: KnownServer, pause: number): void {
    this.#resting.set(server, this.#options.clock.now() + pause);
    this.#seek();
  }

  #restOf(server: KnownServer): number {
    return (this.#resting.get(server) ?? 0) - this.#options.clock.now();
  }

  #retire(uplink: Uplink): void {
    this.#retired.add(uplink);
    if (uplink.session.isIdle || uplink.isTurnedAway) this.#uplinkEvents.onIdle(uplink);
  }

  /** These are candidates no longer. */
  #drop(...uplinks: readonly Uplink[]): void {
    for (const uplink of uplinks) {
      this.#candidates.delete(uplink);
      uplink.close('another server serves');
    }
  }

  #newUplink(server: KnownServer): Uplink {
    const { servers, logger } = this.#options;
    const named = servers.length === 1 ? logger : withFields(logger, { server: server.name });
    const isServed = (): boolean => this.#isServedBeside(uplink);
    const uplink: Uplink = new Uplink(
      { ...this.#options, logger: named, server, backoff: this.#backoffOf(server), isServed },
      this.#uplinkEvents,
    );
    return uplink;
  }

  #backoffOf(server: KnownServer): Backoff {
    return this.#backoffs.get(server) ?? this.#newBackoff();
  }

  #newBackoff(): Backoff {
    return new Backoff(this.#options.random ?? Math.random);
  }
}

/** That of the uplink in use; `draining`: the last server is about to stop, and there is no other yet. */
export type SlotState = UplinkState | 'draining';

export interface SlotOptions extends UplinkSettings {
  /** In the order of preference; one at least. */
  readonly servers: readonly KnownServer[];
  /** Decides the pauses between two tries, by numbers from 0 to 1; `Math.random` unless told. */
  readonly random?: (() => number) | undefined;
}

/** What a slot tells: of what becomes of its uplinks, that to which it does not see itself. */
export interface SlotEvents extends Omit<UplinkEvents<Uplink>, 'onUnreachable' | 'onDraining' | 'onTurnedAway'> {
  /** Another server serves now, or another session with the same one. */
  onPromoted(uplink: Uplink, former: Uplink): void;
}

/** What keeps a server from being connected. */
export interface Trouble {
  readonly reason: string;
  /** By the clock; it is over while a try is under way. */
  readonly nextTry: number;
  /** Since it was connected. */
  readonly failedTries: number;
}

/** Why a session waits to begin that follows another one. */
const NEW_SESSION = 'a new session begins';
/** A server that has not answered after this time gets a rival, ms: less than a request waits for a tunnel. */
const FAILOVER_AFTER = 2_000;
/** How old a request may be that a server turns away as it stops, ms, and still go to the next: as long as a server dials. */
const REOPEN_WITHIN = 10_000;
/** Between two looks whether a better server is back, ms. */
const PREFERENCE_INTERVAL = 30_000;
