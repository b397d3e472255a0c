import { AggregatorRegistry, Counter, Gauge, Registry } from 'prom-client';
import { type MetricValues, READY_HELP } from '../admin/metrics.js';
import type { Parent } from './parent.js';
import type { Ending, WorkerProcess } from './worker-process.js';

/** What all workers have measured, as if they were one process. What they have counted stays when they end, since no sum may fall. */
export class JoinedMetrics {
  readonly contentType: string = Registry.PROMETHEUS_CONTENT_TYPE;
  readonly #parent: Measured;
  /** Of each worker, what it has said last. */
  readonly #last = new Map<WorkerProcess, MetricValues>();
  /** Of those who have ended. */
  #past: MetricValues[] = [];
  #lost = 0;
  readonly #began: number;

  /** `began`: the parent, since 1970, s. */
  constructor(parent: Measured, began: number) {
    this.#parent = parent;
    this.#began = began;
  }

  /** The text that Prometheus reads. */
  async print(): Promise<string> {
    const { workers, takers, retired } = this.#parent;
    await Promise.all(workers.map((worker) => this.#ask(worker)));
    // At once, since a worker that ends comes to be of the past.
    const registry = AggregatorRegistry.aggregate([...this.#last.values(), ...this.#past]);
    const gauge = (name: string, help: string, labelNames: string[] = []) =>
      new Gauge({ name, help, labelNames, registers: [registry] });
    gauge('wsproxy_ready', READY_HELP).set(this.#parent.isReady ? 1 : 0);
    const count = gauge('wsproxy_workers', 'Processes that serve, and that have only what they had before', ['state']);
    count.set({ state: 'serving' }, takers.filter(({ isPresent }) => isPresent).length);
    count.set({ state: 'silent' }, workers.filter(({ introduction, isPresent }) => introduction && !isPresent).length);
    count.set({ state: 'retired' }, [...retired].filter(({ isPresent }) => isPresent).length);
    gauge('wsproxy_generation', 'How often workers were replaced by new ones, and 1').set(this.#parent.generation);
    const help = 'Workers that have ended though nobody had told them to';
    new Counter({ name: 'wsproxy_workers_lost_total', help, registers: [registry] }).inc(this.#lost);
    gauge('process_start_time_seconds', 'Start time of the process since unix epoch in seconds.').set(this.#began);
    return registry.metrics();
  }

  /** A worker has ended. */
  onEnded(worker: WorkerProcess, { code, metrics }: Ending): void {
    if (worker.introduction !== undefined && code !== 0) this.#lost += 1;
    const last = (metrics as MetricValues | undefined) ?? this.#last.get(worker) ?? [];
    this.#last.delete(worker);
    this.#past.push(last.filter(({ type }) => COUNTING.has(String(type))));
    if (this.#past.length >= MOST_PAST) void this.#joinPast();
  }

  async #joinPast(): Promise<void> {
    const joined = this.#past.splice(0);
    this.#past.push(joined.flat());
    const values = await AggregatorRegistry.aggregate(joined).getMetricsAsJSON();
    this.#past[0] = values;
  }

  async #ask(worker: WorkerProcess): Promise<void> {
    const values = await worker.ask('metrics', ANSWER_TIME);
    if (values !== undefined && this.#parent.workers.includes(worker)) this.#last.set(worker, values as MetricValues);
  }
}

/** Whose workers they are. */
type Measured = Pick<Parent, 'workers' | 'takers' | 'retired' | 'generation' | 'isReady'>;

/** Of so many that have ended the counts are joined into one. */
const MOST_PAST = 16;
/** Kinds of metrics whose values never fall. */
const COUNTING: ReadonlySet<string> = new Set(['counter', 'histogram']);
/** For anyone who does not answer within that time, what was known before holds, ms. */
const ANSWER_TIME = 5_000;
