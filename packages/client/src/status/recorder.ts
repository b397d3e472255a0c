import type { EventEmitter } from 'node:events';
import type { Clock } from 'wsproxy-engine';
import { type ConnectorState, isConnected } from 'wsproxy-engine/connector';
import type { ChannelChange, ClientEvents, ClientRetry, ClientStatus } from '../tunnel/client-status.js';
import { ChannelRates } from './channel-rates.js';
import { History } from './history.js';
import { Journal } from './journal.js';
import { Meter } from './meter.js';

/**
 * Remembers what a client did, so that a page that is opened later can show it. It looks at the client once a second, and only
 * while it runs.
 */
export class Recorder {
  /** Of channels, and of flows. */
  readonly rates: ChannelRates = new ChannelRates();
  readonly flowRates: ChannelRates = new ChannelRates();
  readonly history: History = new History();
  readonly journal: Journal = new Journal();
  /** Of all of them together. */
  readonly total: Meter = new Meter();
  readonly #client: RecordedClient;
  readonly #clock: Clock;
  readonly #onLook: () => void;
  #timer: NodeJS.Timeout | undefined;
  #last: ClientStatus;
  #lookedAt: number;
  /** When the tunnel was lost, by the clock; undefined while it is up, and before it was up. */
  #lostAt: number | undefined;
  #server: string | undefined;

  /** `onLook` is called after each look. */
  constructor(client: RecordedClient, clock: Clock, onLook: () => void) {
    this.#client = client;
    this.#clock = clock;
    this.#onLook = onLook;
    this.#last = client.status();
    this.#lookedAt = clock.now();
  }

  /** As of the last look. */
  get status(): ClientStatus {
    return this.#last;
  }

  /** When that was, by the clock, ms. */
  get lookedAt(): number {
    return this.#lookedAt;
  }

  start(): void {
    this.#client.events
      .on('state', this.#onState)
      .on('retry', this.#onRetry)
      .on('server', this.#onServer)
      .on('resumed', this.#onResumed)
      .on('refused', this.#onRefused)
      .on('channel', this.#onChannel);
    const { state, server, sinceMs } = this.#client.status();
    if (isConnected(state)) {
      this.#server = server;
      this.journal.note(this.#clock.wallTime() - sinceMs, { what: 'connected', server });
    }
    this.#timer = setInterval(() => this.look(), INTERVAL).unref();
    this.look();
  }

  stop(): void {
    clearInterval(this.#timer);
    this.#client.events
      .off('state', this.#onState)
      .off('retry', this.#onRetry)
      .off('server', this.#onServer)
      .off('resumed', this.#onResumed)
      .off('refused', this.#onRefused)
      .off('channel', this.#onChannel);
  }

  look(): void {
    const now = this.#clock.now();
    const status = this.#client.status();
    const { bytesUp, bytesDown, channels, flows, state } = status;
    this.#last = status;
    this.#lookedAt = now;
    this.rates.add(now, channels);
    this.flowRates.add(now, flows);
    this.total.add(now, bytesUp, bytesDown);
    this.history.add({ now, bytesUp, bytesDown, isOnline: isConnected(state) });
    this.#onLook();
  }

  readonly #onState = (state: ConnectorState, previous: ConnectorState): void => {
    const { server, reason } = this.#client.status();
    const atMs = this.#clock.wallTime();
    if (isConnected(state)) {
      if (!isConnected(previous) || server !== this.#server) this.#noteConnection(server);
    } else if (state === 'closed') this.journal.note(atMs, { what: 'closed', server });
    else if (isConnected(previous)) {
      // Where a session was ended, no connection was lost.
      if (this.#lostAt === undefined) this.journal.note(atMs, { what: 'lost', server, reason });
      this.#lostAt ??= this.#clock.now();
    }
  };

  #noteConnection(server: string): void {
    const former = this.#server === server ? undefined : this.#server;
    const awayMs = this.#lostAt === undefined ? undefined : Math.round(this.#clock.now() - this.#lostAt);
    this.#lostAt = undefined;
    this.#server = server;
    this.journal.note(this.#clock.wallTime(), { what: 'connected', server, former, awayMs });
  }

  readonly #onRetry = ({ server, reason, wasConnected }: ClientRetry): void => {
    this.journal.note(this.#clock.wallTime(), { what: wasConnected ? 'lost' : 'failed', server, reason });
    if (wasConnected && server === this.#server) this.#lostAt ??= this.#clock.now();
  };

  /** While the tunnel is up nothing else tells of it. */
  readonly #onServer = ({ server }: { readonly server: string }): void => {
    if (isConnected(this.#client.status().state) && this.#lostAt === undefined) this.#noteConnection(server);
  };

  readonly #onResumed = ({ server }: { readonly server: string }): void => {
    this.journal.noteResumed(this.#clock.wallTime(), server);
  };

  readonly #onRefused = ({ reason }: { readonly reason: string }): void => {
    this.journal.note(this.#clock.wallTime(), { what: 'refused', server: this.#last.server, reason });
  };

  readonly #onChannel = (change: ChannelChange): void => {
    if (change.change === 'over') this.journal.noteEnded(this.#clock.wallTime(), change);
  };
}

/** What is recorded. */
export interface RecordedClient {
  status(): ClientStatus;
  readonly events: EventEmitter<ClientEvents>;
}

/** Between two looks, ms. */
const INTERVAL = 1_000;
