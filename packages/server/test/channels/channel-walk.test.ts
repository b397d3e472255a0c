import { Duplex } from 'node:stream';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { type Channel, silentLogger, TunnelError } from 'wsproxy-engine';
import { FakeClock, watchInvariants } from 'wsproxy-engine/testing';
import type { Dialed, DialTask } from 'wsproxy-node/dial';
import { newMemory } from 'wsproxy-test-support/engine/new-memory';
import { createChannelHandler } from '../../src/channels/channel-handler.js';
import { Guard } from '../../src/limits/guard.js';
import { resolveLimits } from '../../src/limits/limits.js';
import { SessionRegistry } from '../../src/sessions/session-registry.js';
import { type Application, TestClient } from '../sessions/test-client.js';

watchInvariants();

/** A destination that takes and sends when the walk says so. */
class Destination extends Duplex {
  #pending: (() => void) | undefined;

  constructor() {
    super({ allowHalfOpen: true });
    this.on('error', () => {});
  }

  takeOne(): void {
    const done = this.#pending;
    this.#pending = undefined;
    done?.();
  }

  override _write(_chunk: Buffer, _encoding: string, done: () => void): void {
    this.#pending = done;
  }
  override _read(): void {}
}

/** One channel as the server serves it. */
interface Served {
  readonly channel: Channel;
  /** The server may ask for it to be dialled, or not yet. */
  dial: 'waits' | 'runs' | 'ended';
  end?: (socket: Duplex | undefined) => void;
  socket?: Destination;
}

const KINDS = ['open', 'write', 'end', 'reset', 'reach', 'fail', 'take', 'send', 'finish', 'break'] as const;
const SESSIONS = ['cut', 'resume', 'leave', 'expire', 'wait'] as const;
type Kind = (typeof KINDS)[number] | (typeof SESSIONS)[number];
const steps = fc.array(
  fc.record({
    kind: fc.oneof({ weight: 8, arbitrary: fc.constantFrom<Kind>(...KINDS) }, fc.constantFrom<Kind>(...SESSIONS)),
    who: fc.nat(),
    size: fc.integer({ min: 1, max: 60_000 }),
  }),
  { minLength: 20, maxLength: 150 },
);

/** Sessions of two users with their channels, dials and destinations, each driven by hand. */
class Walk {
  readonly clock = new FakeClock();
  readonly #served: Served[] = [];
  readonly #guard: Guard;
  readonly #registry: SessionRegistry;
  #clients: TestClient[] = [];
  #applications: Application[] = [];
  #begun = 0;
  #opened = 0;

  constructor() {
    const limits = resolveLimits({
      channels: 12,
      sockets: 10,
      pendingDials: 3,
      memory: 400_000,
      memoryPerSession: 300_000,
      sessionsPerUser: 2,
    });
    this.#guard = new Guard({ limits, clock: this.clock, logger: silentLogger, isShared: () => true });
    const handle = createChannelHandler({
      dial: ({ target, signal }) => this.#dial(target.host, signal),
      policyOf: () => ({ check: () => undefined }),
      guard: this.#guard,
      logger: silentLogger,
      observer: {},
      logTargets: true,
    });
    this.#registry = new SessionRegistry({
      clock: this.clock,
      memory: newMemory(),
      logger: silentLogger,
      guard: this.#guard,
      maxGrace: 20_000,
      onChannel: (channel, user, turns) => {
        this.#served.push({ channel, dial: 'waits' });
        handle(channel, user, turns);
      },
    });
    for (const _ of [1, 2, 3]) this.#begin();
  }

  async take({ kind, who, size }: { kind: Kind; who: number; size: number }): Promise<void> {
    const client = this.#clients[who % this.#clients.length];
    const application = this.#applications[who % Math.max(1, this.#applications.length)];
    const dialling = this.#served.filter(({ dial }) => dial === 'runs');
    const sockets = this.#served.flatMap(({ socket }) => (socket === undefined || socket.destroyed ? [] : socket));
    const dialled = dialling[who % Math.max(1, dialling.length)];
    const socket = sockets[who % Math.max(1, sockets.length)];
    if (kind === 'open' && client !== undefined) this.#applications.push(client.open(`host-${this.#opened++}.example`));
    else if (kind === 'write') application?.channel?.write(Buffer.alloc(size));
    else if (kind === 'end') application?.channel?.end();
    else if (kind === 'reset') application?.channel?.reset();
    else if (kind === 'reach') dialled?.end?.(new Destination());
    else if (kind === 'fail') dialled?.end?.(undefined);
    else if (kind === 'take') socket?.takeOne();
    else if (kind === 'send' && socket?.readableEnded === false) socket.push(Buffer.alloc(size));
    else if (kind === 'finish' && socket?.readableEnded === false) socket.push(null);
    else if (kind === 'break') socket?.destroy(new Error('reset'));
    else if (kind === 'cut') client?.cut();
    else if (kind === 'resume') client?.connect();
    else if (kind === 'leave') this.#leave(client);
    else if (kind === 'expire') this.clock.advance(20_000);
    else if (kind === 'wait') this.clock.advance(size / 20);
    await this.settle();
  }

  /** Everything that was set in motion comes to rest. */
  async settle(): Promise<void> {
    for (let n = 0; n < 5; n++) {
      for (const client of this.#clients) client.settle();
      await new Promise((resolve) => setImmediate(resolve));
    }
  }

  /** What is held is what is there, no more and no less. */
  check(): void {
    const { channels, sockets, received, sent } = this.#guard.inUse;
    const isOpen = ({ dial, socket }: Served) => dial === 'runs' || socket?.closed === false;
    expect(sockets).toBe(this.#served.filter(isOpen).length);
    const isLeft = (one: Served) => isOpen(one) || !isOver(one.channel);
    expect(channels).toBe(this.#served.filter(isLeft).length);
    expect(Math.min(received, sent)).toBeGreaterThanOrEqual(0);
  }

  /** Everybody goes, and what still runs comes to its end. */
  async end(): Promise<void> {
    for (const client of this.#clients) client.session.leave('the walk is over');
    await this.settle();
    for (const { dial, end } of this.#served) if (dial === 'runs') end?.(undefined);
    this.#registry.close();
    await this.settle();
    for (const { socket } of this.#served) socket?.destroy();
    await this.settle();
    expect(this.#guard.inUse).toEqual({ channels: 0, sockets: 0, received: 0, sent: 0 });
    expect(this.#registry.size).toBe(0);
  }

  #begin(): void {
    this.#begun += 1;
    const user = { id: this.#begun % 2 === 0 ? 'alice' : 'mallory' };
    this.#clients.push(new TestClient(this.#registry, this.clock, user, this.#begun % 256).connect());
  }

  #leave(client: TestClient | undefined): void {
    client?.session.leave('the walk wants it');
    client?.settle();
    this.#clients = this.#clients.filter((other) => other !== client);
    this.#begin();
  }

  #dial(host: string, signal: DialTask['signal']): Promise<Dialed> {
    const one = this.#served.find(({ channel }) => channel.target.host === host);
    if (one === undefined) throw new Error('a dial of nothing');
    one.dial = 'runs';
    return new Promise((resolve, reject) => {
      one.end = (socket) => {
        one.dial = 'ended';
        if (socket === undefined) return reject(new TunnelError('CONNECTION_REFUSED'));
        one.socket = socket as Destination;
        resolve({ socket, address: undefined });
      };
      signal.addEventListener('abort', () => one.end?.(undefined));
    });
  }
}

function isOver({ state }: Channel): boolean {
  return state.dead || (state.opening === 'open' && state.sending === 'ended' && state.receiving === 'ended');
}

test('no matter what comes in any order, what is held is what is there, and nothing is left in the end', async () => {
  await fc.assert(
    fc.asyncProperty(steps, async (all) => {
      const walk = new Walk();
      walk.check();
      for (const step of all) {
        await walk.take(step);
        walk.check();
      }
      await walk.end();
    }),
    { numRuns: 200 },
  );
}, 120_000);
