import { type Aggregator, Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client';
import { FAILURES, VERSION } from 'wsproxy-engine';
import type { FlowInfo } from '../flows/flow-info.js';
import { REFUSAL_STATUSES } from '../gateway/refusal.js';
import { LIMITS } from '../limits/limits.js';
import { type AnyDropReason, DROP_REASONS, type Drops } from '../observe/all-drops.js';
import {
  type ArrivalRecord,
  type ChannelRecord,
  type FlowRecord,
  HAND_ON_OUTCOMES,
  type HandOnOutcome,
  type ListenerRecord,
  type OpenedArrival,
  type OpenedChannel,
  type ServerObserver,
  type SessionEvent,
} from '../observe/observer.js';
import type { ChannelInfo, SessionInfo } from '../sessions/session-info.js';
import type { SharingFigures } from '../store/sharing.js';

/** Every label comes from a set that the operator or this program bounds: users, outcomes, statuses, limits. */
export class Metrics implements ServerObserver {
  readonly #measured: Measured;
  readonly #registry = new Registry();
  /** Of channels that are over, by user; the living ones are read when somebody asks. */
  readonly #past = new Map<string, Traffic>();
  readonly #pastDrops = new Map<AnyDropReason, number>();

  readonly #ready = this.#gauge('ready', READY_HELP, [], 'omit');
  readonly #sessions = this.#gauge('sessions', 'Living sessions, attached or waiting for their client', [
    'user',
    'state',
  ]);
  readonly #channels = this.#gauge('channels', 'Living channels', ['user']);
  readonly #flows = this.#gauge('flows', 'Open flows of datagrams (UDP)', ['user']);
  readonly #listeners = this.#gauge('listeners', 'Remote listeners that listen', ['user']);
  readonly #waiting = this.#gauge('arrivals_waiting', 'Connections to these that their client has not answered yet', [
    'user',
  ]);
  readonly #arrivals = this.#counter(
    'arrivals_total',
    'Connections to remote listeners, and calls of the program, by outcome',
    ['outcome'],
  );
  readonly #listenerEnds = this.#counter('listeners_ended_total', 'Remote listeners that are over, by outcome', [
    'outcome',
  ]);
  readonly #replayBytes = this.#gauge('replay_bytes', 'Memory held by what clients have not acknowledged');
  readonly #bytes = this.#counter('bytes_total', 'Payload bytes, up to destinations and down to clients', [
    'user',
    'direction',
  ]);
  readonly #datagrams = this.#counter('datagrams_total', 'Datagrams, up to destinations and down to clients', [
    'user',
    'direction',
  ]);
  readonly #datagramBytes = this.#counter('datagram_bytes_total', 'Payload bytes of these', ['user', 'direction']);
  readonly #dropped = this.#counter('datagrams_dropped_total', 'Datagrams that went no further, by reason', ['reason']);
  readonly #flowEnds = this.#counter('flows_ended_total', 'Flows that are over, by outcome', ['outcome']);
  readonly #stalls = this.#counter(
    'window_stalls_total',
    'Times that bytes for a client began to wait for its window',
    ['user'],
  );
  readonly #began = this.#counter('sessions_began_total', 'Sessions begun', ['user']);
  readonly #detached = this.#counter('detaches_total', 'Transports lost', ['user']);
  readonly #resumed = this.#counter('resumes_total', 'Sessions that went on with another transport', ['user']);
  readonly #dials = this.#counter('dials_total', 'Targets dialled, by outcome', ['outcome']);
  readonly #ends = this.#counter('channels_ended_total', 'Opened channels that are over, by outcome', ['outcome']);
  readonly #refused = this.#counter('refused_requests_total', 'Requests that did not become a WebSocket', ['status']);
  readonly #handshakes = this.#counter('tls_handshakes_failed_total', 'TLS handshakes that failed', []);
  readonly #certificate = this.#gauge(
    'certificate_expiry_timestamp_seconds',
    'When the certificate of --tls-cert, or one that it is shown with, expires, since 1970; 0 without one',
    [],
    'min',
  );
  readonly #dialTimes = this.#histogram(
    'dial_duration_seconds',
    'From being asked for a target to having reached it, or not: turn, lookup and dial',
    DIAL_BUCKETS,
    ['result'],
  );
  readonly #roundTrips = this.#histogram(
    'round_trip_seconds',
    'From a PING to its answer, whatever stands in the queues between',
    ROUND_TRIP_BUCKETS,
    [],
  );
  readonly #handOns = this.#counter(
    'hand_ons_total',
    'Requests that belonged to another process of the cluster, by outcome',
    ['outcome'],
  );
  readonly #passedOn = this.#gauge('passed_on', 'Connections of clients that are passed on to another process');
  #store: StoreMetrics | undefined;
  readonly #limits = this.#counter('limits_hit_total', 'Times that a limit was hit', ['limit']);

  constructor(measured: Measured) {
    this.#measured = measured;
    collectDefaultMetrics({ register: this.#registry });
    // A rate over a series that begins with its first event would miss that event.
    for (const outcome of ['ok', ...Object.keys(FAILURES)]) {
      this.#dials.inc({ outcome }, 0);
      this.#ends.inc({ outcome }, 0);
      this.#flowEnds.inc({ outcome }, 0);
      this.#arrivals.inc({ outcome }, 0);
      this.#listenerEnds.inc({ outcome }, 0);
    }
    for (const outcome of HAND_ON_OUTCOMES) this.#handOns.inc({ outcome }, 0);
    for (const limit of Object.keys(LIMITS)) this.#limits.inc({ limit }, 0);
    for (const status of REFUSAL_STATUSES) this.#refused.inc({ status }, 0);
    for (const result of ['ok', 'failed']) this.#dialTimes.zero({ result });
    this.#gauge('build_info', 'Always 1; the version is a label', ['version'], 'first').set({ version: VERSION }, 1);
  }

  get contentType(): string {
    return this.#registry.contentType;
  }

  /** The text that Prometheus reads. */
  print(): Promise<string> {
    this.#read();
    return this.#registry.metrics();
  }

  /** The same, to be joined with that of other workers. */
  values(): Promise<MetricValues> {
    this.#read();
    return this.#registry.getMetricsAsJSON();
  }

  onSession(event: SessionEvent, { user }: { user: string }): void {
    trafficOf(this.#past, user);
    if (event === 'began') this.#began.inc({ user });
    else if (event === 'detached') this.#detached.inc({ user });
    else if (event === 'resumed') this.#resumed.inc({ user });
  }

  onChannelOpened({ dialMs = 0 }: OpenedChannel): void {
    this.#dials.inc({ outcome: 'ok' });
    this.#dialTimes.observe({ result: 'ok' }, dialMs / 1_000);
  }

  onChannelOver(record: ChannelRecord): void {
    const { outcome, connected, user, durationMs } = record;
    if (connected) this.#ends.inc({ outcome });
    else {
      this.#dials.inc({ outcome });
      this.#dialTimes.observe({ result: 'failed' }, durationMs / 1_000);
    }
    add(trafficOf(this.#past, user), record);
  }

  onFlowOver(record: FlowRecord): void {
    this.#flowEnds.inc({ outcome: record.outcome });
    addFlow(trafficOf(this.#past, record.user), record);
    addDrops(this.#pastDrops, record.dropped);
  }

  onArrivalOpened(_arrival: OpenedArrival): void {
    this.#arrivals.inc({ outcome: 'ok' });
  }

  onArrivalOver(record: ArrivalRecord): void {
    const { answered, outcome, user } = record;
    (answered ? this.#ends : this.#arrivals).inc({ outcome });
    add(trafficOf(this.#past, user), record);
  }

  onListenerOver({ outcome }: ListenerRecord): void {
    this.#listenerEnds.inc({ outcome });
  }

  onRoundTrip(time: number): void {
    this.#roundTrips.observe(time / 1_000);
  }

  onRefusedRequest(status: number): void {
    this.#refused.inc({ status });
  }

  onFailedHandshake(): void {
    this.#handshakes.inc();
  }

  onHandOn(outcome: HandOnOutcome): void {
    this.#handOns.inc({ outcome });
  }

  onLimit(limit: string): void {
    this.#limits.inc({ limit });
  }

  #read(): void {
    this.#readStore();
    const sessions = this.#measured.sessions();
    for (const metric of [this.#sessions, this.#channels, this.#flows, this.#listeners, this.#waiting]) metric.reset();
    for (const metric of [this.#bytes, this.#stalls, this.#datagrams, this.#datagramBytes, this.#dropped])
      metric.reset();
    this.#certificate.set((this.#measured.certificateExpires?.getTime() ?? 0) / 1_000);
    this.#passedOn.set(this.#measured.passedOn);
    this.#ready.set(this.#measured.isReady ? 1 : 0);
    this.#replayBytes.set(sessions.reduce((sum, { replayBytes }) => sum + replayBytes, 0));

    const traffic = new Map([...this.#past].map(([user, past]) => [user, { ...past }]));
    // Nothing yet, or nothing now, is 0: of what is missing no alert can tell whether it is well.
    for (const user of [...this.#measured.userIds, ...traffic.keys()]) {
      trafficOf(traffic, user);
      for (const state of ['attached', 'detached']) this.#sessions.set({ user, state }, 0);
      this.#channels.set({ user }, 0);
      for (const gauge of [this.#flows, this.#listeners, this.#waiting]) gauge.set({ user }, 0);
      for (const event of [this.#began, this.#detached, this.#resumed]) event.inc({ user }, 0);
    }
    const drops = new Map(this.#pastDrops);
    for (const { user, attached, channels, flows, listeners, arrivals } of sessions) {
      this.#sessions.inc({ user, state: attached ? 'attached' : 'detached' });
      this.#channels.inc({ user }, channels.length + arrivals.length);
      const sum = trafficOf(traffic, user);
      for (const channel of [...channels, ...arrivals]) add(sum, channel);
      for (const { open, waiting } of listeners) {
        this.#listeners.inc({ user }, open ? 1 : 0);
        this.#waiting.inc({ user }, waiting);
      }
      this.#flows.inc({ user }, flows.length);
      for (const flow of flows) {
        addFlow(sum, flow);
        addDrops(drops, flow.dropped);
      }
    }
    for (const reason of DROP_REASONS) this.#dropped.inc({ reason }, drops.get(reason) ?? 0);
    for (const [user, { bytesUp, bytesDown, windowStalls, ...flows }] of traffic) {
      this.#datagrams.inc({ user, direction: 'up' }, flows.datagramsUp);
      this.#datagrams.inc({ user, direction: 'down' }, flows.datagramsDown);
      this.#datagramBytes.inc({ user, direction: 'up' }, flows.datagramBytesUp);
      this.#datagramBytes.inc({ user, direction: 'down' }, flows.datagramBytesDown);
      this.#bytes.inc({ user, direction: 'up' }, bytesUp);
      this.#bytes.inc({ user, direction: 'down' }, bytesDown);
      this.#stalls.inc({ user }, windowStalls);
    }
  }

  /** Only of a server that has one: of what is missing nobody can think that it is down. */
  #readStore(): void {
    const { sharing } = this.#measured;
    if (sharing === undefined) return;
    this.#store ??= {
      up: this.#gauge('store_up', 'Whether the store answers: 1, or 0 while it is away', [], 'min'),
      held: this.#gauge('places_held', 'Places that this process holds of limits that are counted together', ['limit']),
      calls: this.#counter('store_calls_total', 'Calls of the store, by result', ['result']),
      seconds: this.#counter('store_call_seconds_total', 'What these have taken together', []),
    };
    const { up, held, calls, seconds } = this.#store;
    up.set(sharing.isReached ? 1 : 0);
    held.reset();
    for (const limit of SHARED_LIMITS) held.set({ limit }, sharing.held.get(limit) ?? 0);
    for (const counter of [calls, seconds]) counter.reset();
    calls.inc({ result: 'answered' }, sharing.calls.answered);
    calls.inc({ result: 'failed' }, sharing.calls.failed);
    seconds.inc(sharing.calls.ms / 1_000);
  }

  /** `aggregator`: what stands for those of several workers. */
  #gauge<Label extends string>(
    name: string,
    help: string,
    labelNames: Label[] = [],
    aggregator: Aggregator = 'sum',
  ): Gauge<Label> {
    return new Gauge({ name: `wsproxy_${name}`, help, labelNames, aggregator, registers: [this.#registry] });
  }

  #histogram<Label extends string>(
    name: string,
    help: string,
    buckets: readonly number[],
    labelNames: Label[],
  ): Histogram<Label> {
    return new Histogram({
      ...{ name: `wsproxy_${name}`, help, labelNames },
      ...{ buckets: [...buckets], registers: [this.#registry] },
    });
  }

  #counter<Label extends string>(name: string, help: string, labelNames: Label[]): Counter<Label> {
    return new Counter({ name: `wsproxy_${name}`, help, labelNames, registers: [this.#registry] });
  }
}

export const READY_HELP = 'Whether new clients are served: 1, or 0 while starting or draining';

/** All that one process has measured. */
export type MetricValues = Awaited<ReturnType<Registry['getMetricsAsJSON']>>;

/** A dial lasts from what a network of one's own takes to the longest wait for a turn, seconds. */
const DIAL_BUCKETS = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30];
/** From one machine to a satellite with full queues, seconds. */
const ROUND_TRIP_BUCKETS = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5];

/** What the channels and flows of one user have amounted to. */
interface Traffic {
  bytesUp: number;
  bytesDown: number;
  windowStalls: number;
  datagramsUp: number;
  datagramsDown: number;
  datagramBytesUp: number;
  datagramBytesDown: number;
}

const NOTHING: Readonly<Traffic> = {
  ...{ bytesUp: 0, bytesDown: 0, windowStalls: 0 },
  ...{ datagramsUp: 0, datagramsDown: 0, datagramBytesUp: 0, datagramBytesDown: 0 },
};

/** Places of which processes count together. */
const SHARED_LIMITS = ['sessions', 'channels', 'flows', 'listeners'] as const;

interface StoreMetrics {
  readonly up: Gauge;
  readonly held: Gauge<'limit'>;
  readonly calls: Counter<'result'>;
  readonly seconds: Counter;
}

/** What metrics read when they are asked for. */
export interface Measured {
  readonly isReady: boolean;
  readonly userIds: Iterable<string>;
  readonly certificateExpires: Date | undefined;
  /** Of a server that shares limits with others. */
  readonly sharing?: SharingFigures | undefined;
  readonly passedOn: number;
  sessions(): readonly SessionInfo[];
}

function trafficOf(users: Map<string, Traffic>, user: string): Traffic {
  const traffic = users.get(user) ?? { ...NOTHING };
  users.set(user, traffic);
  return traffic;
}

function addFlow(sum: Traffic, flow: Pick<FlowInfo, 'datagramsUp' | 'datagramsDown' | 'bytesUp' | 'bytesDown'>): void {
  sum.datagramsUp += flow.datagramsUp;
  sum.datagramsDown += flow.datagramsDown;
  sum.datagramBytesUp += flow.bytesUp;
  sum.datagramBytesDown += flow.bytesDown;
}

function addDrops(sums: Map<AnyDropReason, number>, drops: Drops): void {
  for (const reason of DROP_REASONS) sums.set(reason, (sums.get(reason) ?? 0) + (drops[reason] ?? 0));
}

function add(
  sum: Traffic,
  { bytesUp, bytesDown, windowStalls }: Pick<ChannelInfo, 'bytesUp' | 'bytesDown' | 'windowStalls'>,
): void {
  sum.bytesUp += bytesUp;
  sum.bytesDown += bytesDown;
  sum.windowStalls += windowStalls;
}
