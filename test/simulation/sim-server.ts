import { type Clock, type OfferedChannel, silentLogger, type Transport } from 'wsproxy-engine';
import { newMemory } from 'wsproxy-test-support/engine/new-memory';
import { Guard } from '../../packages/server/src/limits/guard.js';
import { resolveLimits } from '../../packages/server/src/limits/limits.js';
import { SessionRegistry } from '../../packages/server/src/sessions/session-registry.js';
import { SimListeners } from './sim-listeners.js';

const USER = { id: 'alice' };
/** How long a server keeps a session that is away, ms. */
export const GRACE = 30_000;

/** One process of a server: its registry is the real one. */
export class SimProcess {
  readonly registry: SessionRegistry;
  readonly listeners = new SimListeners();
  isDraining = false;
  readonly #clock: Clock;
  /** When tokens expire; undefined for never. */
  #expires: Date | undefined;

  constructor(clock: Clock, sessions: number, onChannel: (channel: OfferedChannel, process: SimProcess) => void) {
    this.#clock = clock;
    this.registry = new SessionRegistry({
      clock,
      memory: newMemory(),
      logger: silentLogger,
      maxGrace: GRACE,
      guard: new Guard({
        limits: resolveLimits({ sockets: 10_000, sessions, sessionsPerUser: sessions }),
        clock,
        logger: silentLogger,
      }),
      listeners: this.listeners,
      onChannel: (channel) => onChannel(channel, this),
      present: (user) => ({ ...user, ...(this.#expires !== undefined && { tokenExpires: this.#expires }) }),
    });
  }

  /** Asks its clients for other transports, as when their tokens have expired. */
  migrate(): void {
    for (const expires of [new Date(this.#clock.wallTime()), undefined]) {
      this.#expires = expires;
      this.registry.endAbsent();
    }
  }
}

/** A server behind its address: the newest process takes what comes in, older ones finish what they have. */
export class SimServer {
  readonly name: string;
  readonly processes: SimProcess[] = [];
  /** Whether anything gets through to it, and whether anyone who tries in vain is told. */
  isReachable = true;
  isSilent = false;
  readonly #begin: () => SimProcess;

  constructor(name: string, begin: () => SimProcess) {
    this.name = name;
    this.#begin = begin;
    this.start();
  }

  get channelCount(): number {
    return this.processes.reduce((sum, { registry }) => sum + registry.channelCount, 0);
  }

  /** A new process takes the place of the present one. */
  start(): void {
    this.processes.push(this.#begin());
  }

  accept(transport: Transport): SimProcess {
    const process = this.processes.at(-1);
    if (process === undefined) throw new Error(`${this.name} has no process`);
    process.registry.accept(transport, USER);
    return process;
  }

  /** The present process takes nothing new and ends when it is idle, or after `deadline` ms. */
  drain(deadline: number, onEnded: (process: SimProcess) => void): void {
    const process = this.processes.at(-1);
    if (process === undefined || process.isDraining) return;
    process.isDraining = true;
    void process.registry.drain(deadline).then(() => {
      if (!this.processes.includes(process)) return;
      onEnded(process);
      this.end(process);
    });
  }

  end(process: SimProcess): void {
    this.processes.splice(this.processes.indexOf(process), 1);
    process.registry.close();
    if (this.processes.length === 0) this.start();
  }
}
