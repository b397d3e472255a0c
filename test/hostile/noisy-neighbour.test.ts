import { createHash, randomBytes } from 'node:crypto';
import { Duplex } from 'node:stream';
import { describe, expect, test } from 'vitest';
import type { Server, ServerOptions } from 'wsproxy-server';
import { atEnd } from 'wsproxy-test-support/cleanup/at-end';
import { startEcho } from 'wsproxy-test-support/destinations/echo';
import { bySocks5 } from 'wsproxy-test-support/sockets/application';
import { CuttingRelay } from 'wsproxy-test-support/sockets/cutting-relay';
import { listen } from 'wsproxy-test-support/sockets/listen';
import { startClient, startServer } from 'wsproxy-test-support/tunnel';
import { until } from 'wsproxy-test-support/until';
import { type Frame, frame, hello, open, resume, Type, u64 } from 'wsproxy-test-support/wire/hand-written-frames';
import { RawPeer } from 'wsproxy-test-support/wire/raw-peer';
import { useHonestly } from './honest-user.js';

const MIB = 1_048_576;
const SIZE = 8 * MIB;
const OPENS = 40;
const CUTS = 4;
/** Of data, in one frame. */
const PIECE = 32_768;
const MEMORY = 16 * MIB;
const SOCKETS = 200;
const TOKENS = { alice: 'a'.repeat(40), mallory: 'm'.repeat(40) };

/** A destination that takes nothing, and says nothing. */
class Stalled extends Duplex {
  constructor() {
    super({ allowHalfOpen: true });
    this.on('error', () => {});
  }
  override _write(): void {}
  override _read(): void {}
}

/** One that says all it can. */
class Endless extends Stalled {
  override _read(): void {
    this.push(Buffer.alloc(65_536));
  }
}

const DESTINATIONS: Readonly<Record<string, () => Promise<Duplex>>> = {
  'stalled.example': async () => new Stalled(),
  'endless.example': async () => new Endless(),
  'hanging.example': () => new Promise<Duplex>(() => {}),
};

async function startShared(
  limits: ServerOptions['limits'] = {},
  ofMallory: object = {},
): Promise<{ server: Server; port: number; used: () => number }> {
  const sha256 = (token: string) => createHash('sha256').update(token).digest('hex');
  const dialled: Duplex[] = [];
  const { server, port } = await startServer({
    limits: { sockets: SOCKETS, channels: SOCKETS, memory: MEMORY, memoryPerSession: MEMORY / 2, ...limits },
    users: [
      { id: 'alice', tokenSha256: sha256(TOKENS.alice) },
      { id: 'mallory', tokenSha256: sha256(TOKENS.mallory), limits: ofMallory },
    ],
    dialer: async (request) => {
      const make = DESTINATIONS[request.host];
      if (make === undefined) return request.direct();
      const socket = await make();
      dialled.push(socket);
      return socket;
    },
  });
  return { server, port, used: () => dialled.filter(({ closed }) => !closed).length };
}

/** Sessions of one user that a test says everything on. */
class Mallory {
  readonly #port: number;
  #peer: RawPeer | undefined;
  #channel = -1;
  /** What has come of the present session, and was counted. */
  #frames: Frame[] = [];
  /** What each channel may carry, as its OPEN_OK said. */
  readonly #limits = new Map<number, number>();
  /** Sequenced frames of the present session. */
  #received = 0;
  /** Bytes of data that have come, in all sessions. */
  bytes = 0;
  isOver = false;
  rounds = 0;

  constructor(port: number) {
    this.#port = port;
    atEnd(() => {
      this.isOver = true;
    });
  }

  async peer(): Promise<RawPeer> {
    while (this.#peer === undefined || this.#peer.webSocket.readyState !== this.#peer.webSocket.OPEN) {
      const peer = await RawPeer.connect(this.#port, TOKENS.mallory).catch(() => undefined);
      if (peer === undefined) continue;
      peer.send(hello({ id: randomBytes(16), secret: randomBytes(32) }));
      await peer.frame(Type.hello);
      this.#peer = peer;
      this.#channel = -1;
      this.#received = 0;
      this.#frames = [];
    }
    return this.#peer;
  }

  /** Opens so many, and resolves with the numbers of those that were opened. */
  async open(host: string, count: number, { window = 262_144, port = 80 } = {}): Promise<number[]> {
    const peer = await this.peer();
    const ids = Array.from({ length: count }, () => (this.#channel += 2));
    for (const id of ids) peer.send(openWith(window, id, host, port));
    const answer = (id: number) => this.#frames.find((each) => each.channel === id && each.type <= Type.openFail);
    // What is not acknowledged keeps the answers behind it from leaving.
    await this.#hear('all are answered', () => ids.every(answer));
    const opened = ids.filter((id) => answer(id)?.type === Type.openOk);
    for (const id of opened) this.#limits.set(id, answer(id)?.payload.readUInt32BE(0) ?? 0);
    this.#frames = [];
    return opened;
  }

  /** Resolves once each of them has been ended by its destination. */
  async ended(ids: readonly number[]): Promise<void> {
    const hasEnded = (id: number) => this.#frames.some((each) => each.channel === id && each.type === Type.fin);
    await this.#hear('all are ended', () => ids.every(hasEnded));
  }

  async #hear(what: string, isDone: () => boolean): Promise<void> {
    const isHeard = () => {
      this.acknowledge();
      return this.isOver || isDone();
    };
    await until(what, isHeard, 30_000);
  }

  /** Acknowledges what has come, and counts it. */
  acknowledge(): void {
    const frames = this.#peer?.frames.splice(0) ?? [];
    if (frames.length === 0) return;
    this.#received += frames.filter(({ type }) => type < Type.hello).length;
    this.#peer?.send(frame(Type.ack, 0, u64(this.#received)));
    for (const { type, payload } of frames) if (type === Type.data) this.bytes += payload.length;
    this.#frames.push(...frames.filter(({ type }) => type !== Type.data));
  }

  /** Sends as much as each of them takes at first. */
  async fill(ids: readonly number[]): Promise<void> {
    const peer = await this.peer();
    for (const id of ids) {
      for (let left = this.#limits.get(id) ?? 0; left > 0; left -= PIECE) {
        peer.send(frame(Type.data, id, Buffer.alloc(Math.min(left, PIECE))));
      }
    }
  }

  async say(type: number, ids: readonly number[]): Promise<void> {
    const peer = await this.peer();
    for (const id of ids) peer.send(frame(type, id, type === Type.reset ? Buffer.of(0, 13) : ''));
    await peer.expectAlive();
  }

  leave(): void {
    this.#peer?.webSocket.close();
    this.#peer = undefined;
  }

  vanish(): void {
    this.#peer?.vanish();
    this.#peer = undefined;
  }
}

function openWith(window: number, id: number, host: string, port: number): Buffer {
  const payload = Buffer.concat([Buffer.alloc(6), Buffer.from(host)]);
  payload.writeUInt32BE(window);
  payload.writeUInt16BE(port, 4);
  return frame(Type.open, id, payload);
}

/** What is done again and again while the honest user is there. */
const ATTACKS: Readonly<Record<string, (mallory: Mallory) => Promise<void>>> = {
  'opens, fills and resets': async (mallory) => {
    const ids = await mallory.open('stalled.example', 16);
    await mallory.fill(ids);
    await mallory.say(Type.reset, ids);
  },
  'opens, fills, ends and resets': async (mallory) => {
    const ids = await mallory.open('stalled.example', 16);
    await mallory.fill(ids);
    await mallory.say(Type.fin, ids);
    await mallory.say(Type.reset, ids);
  },
  'begins, fills and leaves sessions': async (mallory) => {
    await mallory.fill(await mallory.open('stalled.example', 32));
    mallory.leave();
  },
  'begins, fills and forgets sessions': async (mallory) => {
    await mallory.fill(await mallory.open('stalled.example', 32));
    mallory.vanish();
  },
  'takes all connections there are': async (mallory) => {
    await mallory.open('stalled.example', 64);
  },
  'takes nothing of what destinations say': async (mallory) => {
    await mallory.open('endless.example', 32, { window: 0 });
    if (mallory.rounds % 4 === 3) mallory.vanish();
  },
  'dials what never answers': async (mallory) => {
    const ids = Array.from({ length: 64 }, (_, i) => 1_000_001 + 128 * mallory.rounds + 2 * i);
    const peer = await mallory.peer();
    for (const id of ids) peer.send(open(id, 'hanging.example', 80));
    await mallory.say(Type.reset, ids);
  },
};

/** Everything that an honest user does; resolves with what has failed. */
async function useAll(port: number): Promise<{ opens: number; bytes: number }> {
  const relay = await new CuttingRelay(port).start();
  const client = await startClient(relay.port, { token: TOKENS.alice });
  return useHonestly(relay, client.port, { size: SIZE, cuts: CUTS, opens: OPENS });
}

describe('M1 beside a user who', () => {
  test.each(Object.keys(ATTACKS))(
    '%s, an honest one opens, transfers and resumes, and loses nothing',
    async (name) => {
      const { port, used } = await startShared();
      const mallory = new Mallory(port);
      const before = process.memoryUsage().arrayBuffers;
      let [peak, most] = [0, 0];
      const attack = (async () => {
        while (!mallory.isOver) {
          // No matter what the server does against it, it goes on.
          await ATTACKS[name]?.(mallory).catch(() => mallory.vanish());
          mallory.rounds += 1;
          peak = Math.max(peak, process.memoryUsage().arrayBuffers - before);
          most = Math.max(most, used());
        }
      })();
      await until('the attack has begun', () => mallory.rounds >= 3, 20_000);
      const lost = await useAll(port);
      mallory.isOver = true;
      mallory.vanish();
      await attack.catch(() => {});
      console.log(`${name}: ${mallory.rounds} rounds, ${most} sockets, ${Math.round(peak / MIB)} MiB at most`);
      expect(lost).toEqual({ opens: 0, bytes: 0 });
      // Half of those that are not kept for clients.
      expect(most).toBeLessThanOrEqual(SOCKETS / 2);
      expect(peak).toBeLessThan(MEMORY + 100 * MIB);
    },
    90_000,
  );
});

test('M2 the eleventh connection of a user who may have ten is refused while ten destinations take nothing', async () => {
  const { server, port, used } = await startShared({}, { channels: 10, sessions: 1 });
  const mallory = new Mallory(port);
  const ids = await mallory.open('stalled.example', 11);
  expect(ids).toHaveLength(10);
  await mallory.fill(ids);
  await mallory.say(Type.reset, ids);
  expect([server.channelCount, used()]).toEqual([0, 10]);
  expect(await mallory.open('stalled.example', 1)).toEqual([]);
  const { port: local } = await startClient(port, { token: TOKENS.alice });
  const echo = await startEcho();
  (await bySocks5(local, '127.0.0.1', echo.port)).destroy();
  await until('what was left is dropped', () => used() === 0, 10_000);
  expect(await mallory.open('stalled.example', 10)).toHaveLength(10);
});

describe('M3 a user with a rate who opens a new connection for each piece', () => {
  const RATE = 1_000_000;
  const SECONDS = 5;
  type Way = 'up' | 'down';
  type Round = (mallory: Mallory, ids: readonly number[], way: Way) => Promise<void>;

  const MANNERS: Readonly<Record<string, Round>> = {
    // What it does not wait for is its own loss: how much that is, is up to the machine.
    async resets(mallory, ids) {
      const since = performance.now();
      await until('some of it may have come', () => performance.now() - since >= 20);
      mallory.acknowledge();
      await mallory.say(Type.reset, ids);
    },
    async ends(mallory, ids, way) {
      if (way === 'up') await mallory.say(Type.fin, ids);
      await mallory.ended(ids);
      if (way === 'down') await mallory.say(Type.fin, ids);
    },
  };

  test.each([
    ['resets', 'up'],
    ['resets', 'down'],
    ['ends', 'up'],
    ['ends', 'down'],
  ] as const)(
    'and %s it carries as much %s as by one, and no more',
    async (manner, way) => {
      let sunk = 0;
      const sink = await listen((socket) => {
        socket.on('data', (chunk: Buffer) => (sunk += chunk.length)).on('end', () => socket.end());
      });
      const source = await listen((socket) => socket.end(Buffer.alloc(manner === 'ends' ? 65_536 : MIB)));
      const rates = { bytesPerSecondUp: RATE, bytesPerSecondDown: RATE };
      const { port } = await startShared({}, { ...rates, sessions: 4 });
      const all = [1, 2, 3].map(() => new Mallory(port));
      const carried = () => (way === 'up' ? sunk : all.reduce((sum, { bytes }) => sum + bytes, 0));
      const attacks = all.map(async (mallory) => {
        while (!mallory.isOver) {
          const ids = await mallory.open('127.0.0.1', 8, { port: way === 'up' ? sink.port : source.port });
          if (way === 'up') await mallory.fill(ids);
          await MANNERS[manner]?.(mallory, ids, way).catch(() => mallory.vanish());
        }
      });
      // What may go at once in the beginning is not what is measured.
      const passed = async (since: number, ms: number) =>
        until('time has passed', () => performance.now() - since >= ms, ms + 5_000);
      await passed(performance.now(), 2_000);
      const [start, before] = [performance.now(), carried()];
      await passed(start, SECONDS * 1_000);
      const rate = ((carried() - before) / (performance.now() - start)) * 1_000;
      for (const mallory of all) mallory.isOver = true;
      await Promise.allSettled(attacks);
      console.log(`${manner}, ${way}: ${((rate / RATE) * 100).toFixed(1)} % of the rate`);
      expect(rate / RATE).toBeLessThan(1.05);
      if (manner === 'ends') expect(rate / RATE).toBeGreaterThan(0.95);
    },
    30_000,
  );
});

test('M4 a user with a rate who acknowledges nothing is sent no more by resuming', async () => {
  const RATE = 1_000_000;
  const SECONDS = 5;
  const source = await listen((socket) => socket.end(Buffer.alloc(MIB)));
  const { port } = await startShared({}, { bytesPerSecondDown: RATE, sessions: 3 });
  let [isOver, received, resumes] = [false, 0, 0];
  atEnd(() => {
    isOver = true;
  });
  const attack = async () => {
    const key = { id: randomBytes(16), secret: randomBytes(32) };
    let peer = await RawPeer.connect(port, TOKENS.mallory);
    peer.send(hello(key), open(1, '127.0.0.1', source.port));
    await peer.frame(Type.data);
    for (let attempt = 1; !isOver; attempt += 1) {
      // The former one ends when the session is taken over.
      peer = await RawPeer.connect(port, TOKENS.mallory);
      peer.webSocket.on('message', (data: Buffer) => (received += data.length));
      peer.send(resume(key, attempt, 0));
      await peer.frame(Type.resume);
      resumes += 1;
    }
  };
  const attacks = [1, 2, 3].map(attack);
  const passed = async (since: number, ms: number) =>
    until('time has passed', () => performance.now() - since >= ms, ms + 5_000);
  await passed(performance.now(), 1_000);
  const [start, before] = [performance.now(), received];
  await passed(start, SECONDS * 1_000);
  const rate = ((received - before) / (performance.now() - start)) * 1_000;
  isOver = true;
  await Promise.allSettled(attacks);
  console.log(`${resumes} resumes: ${((rate / RATE) * 100).toFixed(1)} % of the rate`);
  expect(rate / RATE).toBeLessThan(1.05);
}, 30_000);
