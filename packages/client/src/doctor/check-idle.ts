import { setTimeout as pause } from 'node:timers/promises';
import { MAX_PING_INTERVAL, systemMemory } from 'wsproxy-engine';
import { connectTransport, type ServerAddress } from '../reach/connect-transport.js';
import type { OptionNames } from '../reach/option-names.js';
import type { Way } from '../reach/ways.js';
import { type Finding, fail, ok, skip, warn } from './finding.js';
import { openerOf } from './open-first.js';
import { ProbeIdentity } from './probe-identity.js';
import { ProbeSession } from './probe-session.js';

/** A little more than the interval of the heartbeat, ms. */
const HEARTBEAT_WATCH = 17_000;
/** The heartbeat must come later than what is waited for, by so much, ms. */
const MARGIN = 10_000;
/** What can be waited for at most, ms. */
export const MAX_IDLE: number = MAX_PING_INTERVAL - MARGIN;

/** A session that nothing is said on, to see how long that goes well. */
export class IdleWatch {
  readonly #probe: ProbeSession;
  readonly #began = performance.now();
  #end: { readonly reason: string; readonly afterMs: number } | undefined;

  private constructor(probe: ProbeSession) {
    this.#probe = probe;
    void probe.lost.then(({ reason }) => {
      this.#end = { reason, afterMs: Math.round(performance.now() - this.#began) };
    });
  }

  /**
   * Needs a session of its own, beside the one that is used; a finding says that there is none to be had. `heartbeat`:
   * silence after which both ends say something, ms; default the usual 15 s.
   */
  static async begin(
    server: ServerAddress,
    signal: AbortSignal,
    way: Way,
    heartbeat?: number,
  ): Promise<IdleWatch | Finding> {
    try {
      const { key, wayBack } = new ProbeIdentity();
      const transport = await connectTransport(server, signal, systemMemory, { wayBack, open: openerOf(way) });
      return new IdleWatch(await ProbeSession.begin(transport, { key, heartbeat }));
    } catch (error) {
      return skip(`no second session to watch: ${(error as Error).message}`);
    }
  }

  /** Waits until `limit` ms after the beginning, or until the end: its reason, and when it came. */
  async until(limit: number, signal: AbortSignal, onProgress: (share: number) => void): Promise<typeof this.end> {
    const ticks = setInterval(() => onProgress((performance.now() - this.#began) / limit), 250);
    const rest = Math.max(0, limit - (performance.now() - this.#began));
    const over = new AbortController();
    const ending = AbortSignal.any([signal, over.signal]);
    await Promise.race([this.#probe.lost, pause(rest, undefined, { signal: ending }).catch(() => {})]);
    over.abort();
    clearInterval(ticks);
    return this.#end;
  }

  get end(): { readonly reason: string; readonly afterMs: number } | undefined {
    return this.#end;
  }

  stop(): void {
    this.#probe.end();
  }
}

/** Whether the heartbeat keeps a tunnel open that is not used. */
export async function checkHeartbeat(
  watch: IdleWatch | Finding,
  { heartbeat }: OptionNames,
  signal: AbortSignal,
  onProgress: (share: number) => void,
): Promise<Finding> {
  if (!(watch instanceof IdleWatch)) return watch;
  const end = await watch.until(HEARTBEAT_WATCH, signal, onProgress);
  if (end === undefined) return ok(`an unused tunnel is still open after ${HEARTBEAT_WATCH / 1000} s`);
  return fail(
    `an unused tunnel was cut after ${seconds(end.afterMs)}: ${end.reason}`,
    `a timeout on the way is shorter than the heartbeat of 15 s: raise it (docs/deploy.md), or set ${heartbeat}`,
  );
}

/** After how long a silent connection is cut, when nobody keeps it open. `limit` in ms, at most MAX_IDLE. */
export async function checkIdle(
  server: ServerAddress,
  way: Way,
  limit: number,
  signal: AbortSignal,
  onProgress: (share: number) => void,
): Promise<Finding> {
  // Longer than what is waited for, so that nothing is said meanwhile.
  const watch = await IdleWatch.begin(server, signal, way, limit + MARGIN);
  if (!(watch instanceof IdleWatch)) return watch;
  try {
    const end = await watch.until(limit, signal, onProgress);
    if (end === undefined) return ok(`a silent connection stays open for ${seconds(limit)} at least`);
    return warn(
      `something on the way cuts a silent connection after ${seconds(end.afterMs)}`,
      'the heartbeat of 15 s keeps a tunnel open nevertheless, as long as the cut comes later than that',
      { idleCutMs: end.afterMs },
    );
  } finally {
    watch.stop();
  }
}

function seconds(ms: number): string {
  return `${Math.round(ms / 1000)} s`;
}
