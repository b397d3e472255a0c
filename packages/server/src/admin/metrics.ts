import { Counter, collectDefaultMetrics, Gauge, Registry } from 'prom-client';
import { FAILURES } from 'wsproxy-engine';
import { LIMITS } from '../limits/limits.js';
import type { ChannelRecord, OpenedChannel, ServerObserver, SessionEvent } from '../observe/observer.js';
import type { SessionInfo } from '../sessions/session-info.js';

/** Every label comes from a set that the operator or this program bounds: users, outcomes, statuses, limits. */
export class Metrics implements ServerObserver {
  readonly #measured: Measured;
  readonly #registry = new Registry();
  /** Of channels that are over, by user; the living ones are read when somebody asks. */
  readonly #past = new Map<string, Traffic>();

  readonly #ready = this.#gauge('ready', 'Whether new clients are served: 1, or 0 while starting or draining');
  readonly #sessions = this.#gauge('sessions', 'Living sessions, attached or waiting for their client', [
    'user',
    'state',
  ]);
  readonly #channels = this.#gauge('channels', 'Living channels', ['user']);
  readonly #replayBytes = this.#gauge('replay_bytes', 'Memory held by what clients have not acknowledged');
  readonly #bytes = this.#counter('bytes_total', 'Payload bytes, up to destinations and down to clients', [
    'user',
    'direction',
  ]);
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
  readonly #limits = this.#counter('limits_hit_total', 'Times that a limit was hit', ['limit']);

  constructor(measured: Measured) {
    this.#measured = measured;
    collectDefaultMetrics({ register: this.#registry });
    // A rate over a series that begins with its first event would miss that event.
    for (const outcome of ['ok', ...Object.keys(FAILURES)]) {
      this.#dials.inc({ outcome }, 0);
      this.#ends.inc({ outcome }, 0);
    }
    for (const limit of Object.keys(LIMITS)) this.#limits.inc({ limit }, 0);
  }

  get contentType(): string {
    return this.#registry.contentType;
  }

  /** The text that Prometheus reads. */
  print(): Promise<string> {
    this.#read();
    return this.#registry.metrics();
  }

  onSession(event: SessionEvent, { user }: { user: string }): void {
    if (event === 'began') this.#began.inc({ user });
    else if (event === 'detached') this.#detached.inc({ user });
    else if (event === 'resumed') this.#resumed.inc({ user });
  }

  onChannelOpened(_channel: OpenedChannel): void {
    this.#dials.inc({ outcome: 'ok' });
  }

  onChannelOver(record: ChannelRecord): void {
    const { outcome, connected, user } = record;
    if (connected) this.#ends.inc({ outcome });
    else this.#dials.inc({ outcome });
    add(trafficOf(this.#past, user), record);
  }

  onRefusedRequest(status: number): void {
    this.#refused.inc({ status });
  }

  onFailedHandshake(): void {
    this.#handshakes.inc();
  }

  onLimit(limit: string): void {
    this.#limits.inc({ limit });
  }

  #read(): void {
    const sessions = this.#measured.sessions();
    for (const metric of [this.#sessions, this.#channels, this.#bytes, this.#stalls]) metric.reset();
    this.#ready.set(this.#measured.isReady ? 1 : 0);
    this.#replayBytes.set(sessions.reduce((sum, { replayBytes }) => sum + replayBytes, 0));

    const traffic = new Map([...this.#past].map(([user, past]) => [user, { ...past }]));
    for (const { user, attached, channels } of sessions) {
      this.#sessions.inc({ user, state: attached ? 'attached' : 'detached' });
      this.#channels.inc({ user }, channels.length);
      const sum = trafficOf(traffic, user);
      for (const channel of channels) add(sum, channel);
    }
    for (const [user, { bytesUp, bytesDown, windowStalls }] of traffic) {
      this.#bytes.inc({ user, direction: 'up' }, bytesUp);
      this.#bytes.inc({ user, direction: 'down' }, bytesDown);
      this.#stalls.inc({ user }, windowStalls);
    }
  }

  #gauge<Label extends string>(name: string, help: string, labelNames: Label[] = []): Gauge<Label> {
    return new Gauge({ name: `wsproxy_${name}`, help, labelNames, registers: [this.#registry] });
  }

  #counter<Label extends string>(name: string, help: string, labelNames: Label[]): Counter<Label> {
    return new Counter({ name: `wsproxy_${name}`, help, labelNames, registers: [this.#registry] });
  }
}

/** What the channels of one user have amounted to. */
interface Traffic {
  bytesUp: number;
  bytesDown: number;
  windowStalls: number;
}

/** What metrics read when they are asked for. */
export interface Measured {
  readonly isReady: boolean;
  sessions(): readonly SessionInfo[];
}

function trafficOf(users: Map<string, Traffic>, user: string): Traffic {
  const traffic = users.get(user) ?? { bytesUp: 0, bytesDown: 0, windowStalls: 0 };
  users.set(user, traffic);
  return traffic;
}

function add(sum: Traffic, { bytesUp, bytesDown, windowStalls }: Traffic): void {
  sum.bytesUp += bytesUp;
  sum.bytesDown += bytesDown;
  sum.windowStalls += windowStalls;
}
