import { Random } from 'wsproxy-test-support/engine/random';
import { sessionSide } from 'wsproxy-test-support/engine/session-side';
import { SimLink } from 'wsproxy-test-support/engine/sim-link';
import { Speaker } from 'wsproxy-test-support/engine/speaker';
import type { Session } from '../../src/session/session.js';
import { SessionPair } from './session-pair.js';

interface Conversation {
  readonly near: Speaker;
  readonly far: Speaker;
}

/** How a run is shaped; chosen by the seed too, so that no kind of fault hides another. */
interface Shape {
  readonly steps: number;
  readonly maxChannels: number;
  readonly maxWrite: number;
  readonly maxDelivery: number;
  /** Chances per step. */
  readonly faults: number;
  readonly kills: number;
  /** Chance that time passes in which nobody sends, so that credit is given back. */
  readonly pauses: number;
}

const SHAPES: readonly Shape[] = [
  { steps: 250, maxChannels: 4, maxWrite: 60, maxDelivery: 40, faults: 0.04, kills: 0.01, pauses: 0.1 },
  { steps: 250, maxChannels: 3, maxWrite: 2_000, maxDelivery: 900, faults: 0.06, kills: 0.005, pauses: 0.1 },
  { steps: 200, maxChannels: 2, maxWrite: 150_000, maxDelivery: 60_000, faults: 0.03, kills: 0.005, pauses: 0.1 },
  { steps: 150, maxChannels: 2, maxWrite: 5_000, maxDelivery: 2_000, faults: 0.25, kills: 0, pauses: 0.3 },
  { steps: 300, maxChannels: 8, maxWrite: 20_000, maxDelivery: 20_000, faults: 0, kills: 0.02, pauses: 0 },
];

/** Two sessions, a network that fails, and applications that do what they like: all decided by one seed. */
export class Simulation {
  readonly #random: Random;
  readonly #shape: Shape;
  readonly #pair = new SessionPair();
  readonly #conversations: Conversation[] = [];
  /** The newest is the last. Old ones go on delivering for a while. */
  readonly #links: SimLink[] = [];
  /** Long ones since the newest link was made. */
  #pauses = 0;

  constructor(seed: number) {
    this.#random = new Random(seed);
    this.#shape = this.#random.pick(SHAPES);
    this.#pair.keeper.onChannel = (channel) => {
      const far = this.#conversations[(channel.id - 1) / 2]?.far;
      if (far === undefined || far.channel !== undefined) throw new Error(`channel ${channel.id} was offered wrongly`);
      far.channel = channel;
      channel.onAbandoned(() => far.onReset('CANCELLED'));
    };
  }

  run(): void {
    for (let step = 0; step < this.#shape.steps; step++) {
      this.#act();
      this.#heedRefusal();
      this.#checkCounts();
      if (this.#pair.client.closed) break;
    }
    this.#finish();
    this.#verify();
  }

  #act(): void {
    const random = this.#random;
    if (random.chance(this.#shape.faults)) return this.#disturb();
    if (!this.#pair.client.attached && random.chance(0.2)) return this.#connect();
    const kind = random.below(10);
    if (kind < 4) this.#deliver();
    else if (kind < 5) this.#wait();
    else if (kind < 6) this.#pair.clock.runDeferred();
    else if (this.#conversations.length === 0 || (kind < 7 && random.chance(0.15))) this.#open();
    else this.#speak();
  }

  /** Long pauses are few on each link: a greeting that has not arrived by then is refused. */
  #wait(): void {
    const isLong = this.#pauses < 2 && this.#random.chance(this.#shape.pauses);
    if (isLong) this.#pauses += 1;
    this.#pair.clock.advance(isLong ? 2_000 : this.#random.below(12));
  }

  #open(): void {
    if (this.#conversations.length >= this.#shape.maxChannels) return;
    const key = this.#conversations.length * 2;
    const near = new Speaker(`near ${key / 2}`, key, key + 1);
    const far = new Speaker(`far ${key / 2}`, key + 1, key);
    // The acceptor is open as soon as it has accepted; no handler tells it.
    this.#conversations.push({ near, far });
    near.channel = this.#pair.client.open({ host: 'example.org', port: 80 }, near);
    if (this.#random.chance(0.8)) near.start();
  }

  #speak(): void {
    const random = this.#random;
    const conversation = random.pick(this.#conversations);
    const speaker = random.chance(0.5) ? conversation.near : conversation.far;
    if (speaker === conversation.far && !this.#answer(speaker)) return;
    speaker.act(random, this.#shape.maxWrite, this.#shape.kills);
  }

  /** True once the far end may speak. */
  #answer(far: Speaker): boolean {
    const { channel } = far;
    if (channel === undefined) return false;
    if (channel.state.opening === 'open') return true;
    if (channel.state.dead) return false;
    if (this.#random.chance(0.05)) {
      far.killed = 'refused';
      sessionSide(channel).refuse('CONNECTION_REFUSED');
      return false;
    }
    if (!this.#random.chance(0.5)) return false;
    sessionSide(channel).accept();
    far.opened = true;
    if (this.#random.chance(0.7)) far.start();
    return true;
  }

  #disturb(): void {
    const random = this.#random;
    const link = this.#links.at(-1);
    if (link === undefined) return this.#connect();
    const kind = random.below(10);
    if (kind < 2) link.cut([0]);
    else if (kind < 4) link.cut([1]);
    else if (kind < 6) link.cut([0, 1]);
    else if (kind < 7) link.isStalled = true;
    else this.#connect();
  }

  #connect(): void {
    const link = new SimLink();
    this.#pauses = 0;
    this.#links.push(link);
    this.#pair.join(...link.ends);
  }

  /** Mostly on the newest link, sometimes on one that was overtaken. */
  #deliver(): void {
    const random = this.#random;
    const link = random.chance(0.8) ? this.#links.at(-1) : this.#links[random.below(this.#links.length)];
    const limit = 1 + random.below(1 + random.below(this.#shape.maxDelivery));
    link?.deliver(random.chance(0.5) ? 0 : 1, limit);
  }

  /** As a client does that is told that its session is over. */
  #heedRefusal(): void {
    const { client, log } = this.#pair;
    const loss = log.losses.at(-1);
    if (!client.attached && !client.closed && loss !== undefined && loss.code >= 4_000) {
      client.close(loss.reason, loss.code);
    }
  }

  /** The session that the client has; those whose HELLO was overtaken stay empty. */
  get #server(): Session | undefined {
    const sessions = [...this.#pair.keeper.kept.values()].map(({ session }) => session);
    return sessions.find(({ figures }) => figures.received > 0) ?? sessions.at(-1);
  }

  /** Neither side ever believes to have got more than was sent. */
  #checkCounts(): void {
    const { client } = this.#pair;
    const server = this.#server;
    if (server === undefined || client.closed) return;
    if (server.figures.received > client.figures.sent) throw new Error('the server counts frames that were never sent');
    if (client.figures.received > server.figures.sent) throw new Error('the client counts frames that were never sent');
  }

  /** The network behaves, and everyone says what is left to say. */
  #finish(): void {
    const { client, clock } = this.#pair;
    for (let round = 0; round === 0 || this.#isBusy(); round++) {
      if (round > 3_000) throw new Error(`stuck: ${this.#describe()}`);
      if (!client.attached && !client.closed) this.#connect();
      for (const { near, far } of this.#conversations) {
        this.#answerAtLast(far);
        for (const speaker of [near, far]) {
          speaker.start();
          speaker.goOn();
          speaker.end();
        }
      }
      this.#links.at(-1)?.loseIfStalled();
      clock.runDeferred();
      for (const old of this.#links) for (const direction of [0, 1] as const) old.deliver(direction, 100_000);
      clock.advance(5);
      this.#heedRefusal();
    }
  }

  #answerAtLast(far: Speaker): void {
    const { channel } = far;
    if (channel === undefined || channel.state.opening !== 'offered' || channel.state.dead) return;
    sessionSide(channel).accept();
    far.opened = true;
  }

  #isBusy(): boolean {
    const { client } = this.#pair;
    if (client.closed) return false;
    const server = this.#server;
    if (server === undefined || !client.attached || client.channelCount + server.channelCount > 0) return true;
    return client.figures.sent !== server.figures.received || server.figures.sent !== client.figures.received;
  }

  #verify(): void {
    const { client, keeper, clock, log } = this.#pair;
    // The greeting had not reached the server when the client tried to resume: everything is reset, nothing ended.
    const lost = client.closed;
    if (lost && (this.#pair.welcomes > 0 || log.losses.at(-1)?.code !== 4006)) {
      throw new Error(`the session was closed: ${log.closings.join()} ${keeper.log.closings.join()}`);
    }
    for (const { near, far } of this.#conversations) {
      if (far.channel === undefined && !lost && near.killed === undefined)
        throw new Error('a channel was never offered');
      near.checkAgainst(far, lost);
      if (far.channel !== undefined) far.checkAgainst(near, lost);
      if (!near.isOver && near.killed === undefined) throw new Error('a channel at the client was left open');
    }
    client.close('the simulation is over', 1000);
    for (const { session } of [...keeper.kept.values()]) session.close('the simulation is over', 1000);
    clock.advance(10_000);
    if (clock.pending > 0) throw new Error(`${clock.pending} timers are left`);
  }

  #describe(): string {
    const { client, keeper, log } = this.#pair;
    const channels = this.#conversations.map(({ near, far }) =>
      [near, far].map((one) => ({
        ...one.channel?.state,
        written: one.written,
        read: one.read,
      })),
    );
    const servers = [...keeper.kept.values()].map(({ session }) => [session.figures.sent, session.figures.received]);
    return JSON.stringify({
      sent: client.figures.sent,
      received: client.figures.received,
      servers,
      channels,
      ...log.losses.at(-1),
    });
  }
}
