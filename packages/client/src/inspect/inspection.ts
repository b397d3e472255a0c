import { createSecureContext } from 'node:tls';
import { type Clock, type FlowTunnel, type Logger, silentLogger, systemClock, type Tunnel } from 'wsproxy-engine';
import type { DestinationRule } from 'wsproxy-node/targets';
import type { Authority } from './ca/authority.js';
import { InspectedTunnel } from './inspected-tunnel.js';
import type { InterceptionTask } from './interception.js';
import { PassedThrough } from './passed-through.js';
import type { Scripting } from './script/begin-script.js';
import type { Inspected, Seeing } from './seen/seeing.js';
import type { Watcher } from './watcher.js';

/** Looks into the connections that a rule names, through any tunnel, and leaves the others alone. */
export class Inspection {
  readonly #task: InterceptionTask;
  readonly #tunnels: InspectedTunnel[] = [];
  readonly #seeing: Seeing | undefined;
  readonly #script: Scripting | undefined;

  constructor({
    rules,
    authority,
    watcher,
    seeing,
    script,
    ca,
    logger = silentLogger,
    clock = systemClock,
  }: InspectionOptions) {
    this.#seeing = seeing;
    this.#script = script;
    // Once: to read all CAs takes tens of milliseconds.
    const trust = ca && createSecureContext({ ca: [...ca] });
    this.#task = { rules, authority, watcher, trust, clock, script, passed: new PassedThrough(watcher, logger) };
  }

  /** The same tunnel, looked into. */
  over(tunnel: Tunnel & FlowTunnel): Tunnel & FlowTunnel {
    const inspected = new InspectedTunnel(this.#task, tunnel);
    this.#tunnels.push(inspected);
    return inspected;
  }

  /** Undefined where a watcher of the program is told. */
  get inspected(): Inspected | undefined {
    if (this.#seeing === undefined) return undefined;
    const { exchanges, mask } = this.#seeing;
    return { exchanges, mask, tryAgain: () => this.#task.passed.forget() };
  }

  /** Resolves when no connection lives that is looked into. */
  async whenIdle(): Promise<void> {
    await Promise.all(this.#tunnels.map((tunnel) => tunnel.whenIdle()));
  }

  /** Resets every one, and resolves when what passed is written. */
  async close(): Promise<void> {
    for (const tunnel of this.#tunnels) tunnel.close();
    await this.#script?.close();
    await this.#seeing?.close();
  }
}

export interface InspectionOptions {
  readonly rules: readonly DestinationRule[];
  readonly authority: Authority;
  readonly watcher: Watcher;
  readonly seeing?: Seeing | undefined;
  readonly script?: Scripting | undefined;
  /** Those that destinations are verified by, PEM; default: those that Node trusts. */
  readonly ca?: readonly string[] | undefined;
  readonly logger?: Logger;
  readonly clock?: Clock;
}
