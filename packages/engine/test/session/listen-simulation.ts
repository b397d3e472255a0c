import { Random } from 'wsproxy-test-support/engine/random';
import { sessionSide } from 'wsproxy-test-support/engine/session-side';
import { Speaker } from 'wsproxy-test-support/engine/speaker';
import type { OfferedChannel } from '../../src/channel/channel.js';
import type { OfferedFlow } from '../../src/datagram/flow.js';
import { MemoryBudget } from '../../src/flow/memory-budget.js';
import type { Arrival } from '../../src/frame/listen.js';
import { Arriving } from '../../src/listen/arriving.js';
import type { Session } from '../../src/session/session.js';
import { FakeClock } from '../../src/testing/fake-clock.js';
import { FlowSpeaker } from './flow-speaker.js';
import { ListenClient, ListenServer } from './listen-world.js';

interface Shape {
  readonly steps: number;
  readonly clients: number;
  readonly conversations: number;
  /** Bytes of what is written, and of what the network brings at once, at most. */
  readonly write: number;
  readonly delivery: number;
  /** Chances per step: that the network fails, that a connection is reset, that something becomes of a client or a listener. */
  readonly faults: number;
  readonly resets: number;
  readonly turns: number;
}

const SHAPES: readonly Shape[] = [
  { steps: 300, clients: 2, conversations: 6, write: 60, delivery: 200, faults: 0.04, resets: 0.01, turns: 0.02 },
  { steps: 300, clients: 3, conversations: 8, write: 2_000, delivery: 2_000, faults: 0.08, resets: 0.01, turns: 0.03 },
  { steps: 250, clients: 2, conversations: 4, write: 150_000, delivery: 60_000, faults: 0.03, resets: 0, turns: 0.02 },
  { steps: 250, clients: 2, conversations: 6, write: 5_000, delivery: 5_000, faults: 0.25, resets: 0.01, turns: 0.01 },
  {
    steps: 400,
    clients: 1,
    conversations: 10,
    write: 20_000,
    delivery: 30_000,
    faults: 0.02,
    resets: 0.02,
    turns: 0.05,
  },
];

/** A connection through the tunnel, in either direction: `near` has opened it. */
interface Conversation {
  readonly near: Speaker;
  readonly far: Speaker;
  /** Who had it last, at the client's end and at the server's. */
  client: ListenClient | undefined;
  session: Session | undefined;
}

/**
 * A server that listens for several clients of one user, which take over from each other, drain, die and come back; and channels that
 * are opened from both ends: all decided by one seed.
 */
export class ListenSimulation {
  /** What has arrived at the server and was served by a client; and what went over to another session on its way. */
  served = 0;
  /** Calls of the server that have come to a client. */
  called = 0;
  readonly #random: Random;
  readonly #shape: Shape;
  readonly #clock = new FakeClock();
  readonly #replay = new MemoryBudget(Number.MAX_SAFE_INTEGER);
  readonly #windows = new MemoryBudget(Number.MAX_SAFE_INTEGER);
  readonly #server: ListenServer;
  readonly #living: ListenClient[] = [];
  /** Those that are gone, or about to leave. */
  readonly #former: ListenClient[] = [];
  readonly #conversations: Conversation[] = [];
  readonly #flows: [near: FlowSpeaker, far: FlowSpeaker][] = [];
  #clients = 0;

  constructor(seed: number) {
    this.#random = new Random(seed);
    this.#shape = this.#random.pick(SHAPES);
    this.#server = new ListenServer(this.#clock, { windows: this.#windows, replay: this.#replay });
    this.#server.onChannel = (session, channel) => this.#onOpen(session, channel);
    for (let n = 0; n < this.#shape.clients; n++) this.#begin();
    for (let round = 0; round < 5; round++) this.#settle();
  }

  get moved(): number {
    return this.#server.names.tcp.moved + this.#server.names.udp.moved;
  }

  run(): void {
    for (let step = 0; step < this.#shape.steps; step++) {
      this.#act();
      this.#heedRefusals();
    }
    this.#finish();
    this.#verify();
  }

  get #all(): ListenClient[] {
    return [...this.#former, ...this.#living];
  }

  /** As clients do whose session is over: they begin another one. */
  #heedRefusals(): void {
    for (const client of this.#all) client.heedRefusal();
    for (const client of [...this.#living]) if (client.session.closed) this.#replace(client);
  }

  #begin(): void {
    this.#clients += 1;
    const client = new ListenClient(this.#clients, this.#server, this.#clock, {
      windows: this.#windows,
      replay: this.#replay,
      onLeaving: (leaving) => {
        if (this.#living.includes(leaving)) this.#replace(leaving);
      },
      onUndialled: (leaving, one) => {
        const next = this.#living.find((other) => other !== leaving);
        const moved = this.#conversations.find(({ near }) => near.channel === one);
        if (next === undefined || moved === undefined) return;
        moved.client = next;
        next.session.adopt(one);
      },
      onArrival: (at, one, arrival) => this.#onArrival(at, one, arrival),
      onCall: (at, channel, service) => this.#onCall(at, channel, service),
    });
    this.#living.push(client);
    client.connect();
    // So that their numbers are not the same in every session.
    const kinds = ['tcp', 'udp'] as const;
    for (const kind of this.#random.chance(0.5) ? kinds : kinds.toReversed()) client.ask(kind, true);
  }

  /** Another one comes in its place. */
  #replace(client: ListenClient): void {
    this.#living.splice(this.#living.indexOf(client), 1);
    this.#former.push(client);
    this.#begin();
  }

  /** What a client has opened; its target says which one it is. */
  #onOpen(session: Session, channel: OfferedChannel): void {
    const conversation = this.#conversations[channel.target.port - 1];
    if (conversation === undefined || channel.target.host !== 'forward')
      throw new Error('a target was never asked for');
    this.#offer(conversation, channel);
    conversation.session = session;
  }

  /** What has arrived at the server; the port that it is from says which one it is. */
  #onArrival(client: ListenClient, one: OfferedChannel | OfferedFlow, { peer }: Arrival): void {
    const number = (peer?.port ?? 0) - 1;
    if (one.id % 2 !== 0) throw new Error(`a server has opened ${one.id}`);
    if (!('appetite' in one)) return this.#onFlow(number, one);
    const conversation = this.#conversations[number];
    if (conversation === undefined) throw new Error('something comes to a client that has arrived nowhere');
    this.#offer(conversation, one);
    conversation.client = client;
    this.served += 1;
  }

  /** What the server has called; the service says which one it is. */
  #onCall(client: ListenClient, channel: OfferedChannel, service: string): void {
    const conversation = this.#conversations[Number(service.slice(SERVICE.length)) - 1];
    if (conversation === undefined || !service.startsWith(SERVICE)) throw new Error('a call was never made');
    this.#offer(conversation, channel);
    conversation.client = client;
    this.called += 1;
  }

  #offer({ far }: Conversation, channel: OfferedChannel): void {
    if (far.channel !== undefined) throw new Error('a connection comes a second time');
    far.channel = channel;
    channel.onAbandoned(() => far.onReset('CANCELLED'));
  }

  #onFlow(number: number, flow: OfferedFlow): void {
    const far = this.#flows[number]?.[1];
    if (far === undefined || far.flow !== undefined)
      throw new Error('a flow comes that has not arrived, or a second time');
    far.flow = flow;
    flow.start(far);
    flow.accept();
  }

  #act(): void {
    const random = this.#random;
    if (random.chance(this.#shape.faults)) return this.#disturb();
    if (random.chance(this.#shape.turns)) return this.#turn();
    const away = this.#all.filter(({ session }) => !session.attached && !session.closed);
    if (away.length > 0 && random.chance(0.2)) return random.pick(away).connect();
    const kind = random.below(10);
    if (kind < 5) this.#deliver();
    else if (kind < 6) this.#clock.advance(random.below(random.chance(0.05) ? 2_000 : 12));
    else if (kind < 7) this.#clock.runDeferred();
    else if (kind < 8) this.#open();
    else this.#speak();
  }

  #open(): void {
    const number = this.#conversations.length + 1;
    if (this.#random.chance(0.2)) return this.#arriveFlow();
    if (number > this.#shape.conversations) return;
    const near = new Speaker(`near ${number}`, 2 * number, 2 * number + 1);
    const far = new Speaker(`far ${number}`, 2 * number + 1, 2 * number);
    const conversation: Conversation = { near, far, client: undefined, session: undefined };
    if (this.#random.chance(0.3)) {
      conversation.client = this.#random.pick(this.#living);
      this.#conversations.push(conversation);
      near.channel = conversation.client.session.open({ host: 'forward', port: number }, near);
    } else if (this.#random.chance(0.4)) {
      const { sessions } = this.#server;
      if (sessions.length === 0) return;
      const session = this.#random.pick(sessions);
      conversation.session = session;
      this.#conversations.push(conversation);
      near.channel = session.call(`${SERVICE}${number}`, near);
    } else {
      const { owner } = this.#server.names.tcp;
      if (owner === undefined) return;
      conversation.session = owner.session;
      this.#conversations.push(conversation);
      near.channel = owner.session.openIncoming(owner.listener, from(number), near);
    }
    if (this.#random.chance(0.8)) near.start();
  }

  #arriveFlow(): void {
    const { owner } = this.#server.names.udp;
    if (owner === undefined || this.#flows.length === 4) return;
    const [near, far] = FlowSpeaker.pair(10_000 * (this.#flows.length + 1));
    this.#flows.push([near, far]);
    near.flow = owner.session.openIncomingFlow(owner.listener, from(this.#flows.length), near);
    near.flow.start(near);
  }

  #speak(): void {
    const random = this.#random;
    if (this.#flows.length > 0 && random.chance(0.2))
      return random.pick(random.pick(this.#flows)).send(random.below(500));
    if (this.#conversations.length === 0) return;
    const conversation = random.pick(this.#conversations);
    const speaker = random.chance(0.5) ? conversation.near : conversation.far;
    if (speaker === conversation.far && !this.#answer(speaker)) return;
    speaker.act(random, this.#shape.write, this.#shape.resets);
  }

  /** True once the far end may speak. */
  #answer(far: Speaker): boolean {
    const { channel } = far;
    if (channel === undefined || channel.state.dead) return false;
    if (channel.state.opening === 'open') return true;
    if (this.#random.chance(0.05)) {
      far.killed = 'refused';
      sessionSide(channel).refuse('CONNECTION_REFUSED');
      return false;
    }
    sessionSide(channel).accept();
    far.opened = true;
    if (this.#random.chance(0.7)) far.start();
    return true;
  }

  #disturb(): void {
    const random = this.#random;
    const client = random.pick(this.#all);
    const link = client.links.at(-1);
    const kind = random.below(10);
    if (link === undefined || kind >= 7) client.connect();
    else if (kind < 2) link.cut([0]);
    else if (kind < 4) link.cut([1]);
    else if (kind < 6) link.cut([0, 1]);
    else link.isStalled = true;
  }

  /** Something becomes of a client, or of what listens for it. */
  #turn(): void {
    const random = this.#random;
    const client = random.pick(this.#living);
    const kind = random.pick(['kill', 'drain', 'close', 'revoke', 'expire', 'leave'] as const);
    const name = this.#server.names[random.chance(0.7) ? 'tcp' : 'udp'];
    if (kind === 'kill') this.#kill(client);
    else if (kind === 'drain') this.#server.sessions.at(random.below(this.#shape.clients))?.drain(30_000);
    else if (kind === 'close') client.closeListener(random.chance(0.7) ? 'tcp' : 'udp');
    else if (kind === 'revoke') name.owner?.listener.close('DENIED');
    else if (kind === 'expire')
      this.#server.sessions.find(({ attached }) => !attached)?.close('the grace is over', 4005);
    else {
      client.session.leave('stopping');
      this.#replace(client);
    }
  }

  /** Its process is gone: its transport is reset, or the server is told nothing at all. */
  #kill(client: ListenClient): void {
    const link = client.links.at(-1);
    if (link !== undefined) {
      if (this.#random.chance(0.5)) link.isStalled = true;
      else link.cut([0, 1]);
    }
    client.session.close('killed', 1006);
    this.#replace(client);
  }

  /** All that is under way arrives. */
  #settle(): void {
    this.#clock.runDeferred();
    for (const { links } of this.#all) {
      for (const link of links) for (const direction of [0, 1] as const) link.deliver(direction, 100_000);
    }
    this.#clock.advance(5);
  }

  #deliver(): void {
    const random = this.#random;
    const reachable = this.#all.filter((client) => client.links.some(({ isOver }) => !isOver));
    if (reachable.length === 0) return;
    const { links } = random.pick(reachable);
    const link = random.chance(0.8) ? links.at(-1) : links[random.below(links.length)];
    link?.deliver(random.chance(0.5) ? 0 : 1, 1 + random.below(1 + random.below(this.#shape.delivery)));
  }

  /** The network behaves, sessions that nobody resumes expire, and everyone says what is left to say. */
  #finish(): void {
    for (let round = 0; round === 0 || !this.#isDone(); round++) {
      if (round > 3_000) throw new Error(`stuck: ${this.#describe()}`);
      for (const client of this.#all) {
        if (!client.session.attached) client.connect();
        for (const link of client.links) link.loseIfStalled();
      }
      for (const { near, far } of this.#conversations) {
        if (far.channel !== undefined && this.#random.chance(0.5)) this.#answer(far);
        for (const speaker of [near, far]) {
          speaker.start();
          speaker.goOn();
          speaker.end();
        }
      }
      for (const [near, far] of this.#flows) for (const speaker of [near, far]) speaker.close();
      this.#settle();
      this.#heedRefusals();
      if (round > 100) for (const session of this.#server.sessions) if (!session.attached) session.close('late', 4005);
    }
  }

  /** Of both ends. */
  get #sessions(): Session[] {
    return [...this.#all.map(({ session }) => session), ...this.#server.sessions];
  }

  #isDone(): boolean {
    return this.#sessions.every(({ closed, isIdle }) => closed || isIdle);
  }

  #describe(): string {
    const conversations = this.#conversations.map((one) => [
      isLost(one),
      ...[one.near, one.far].map(({ channel, written, read, failure, killed }) => ({
        ...channel?.state,
        written,
        read,
        failure,
        killed,
      })),
    ]);
    const states = this.#sessions.map(({ attached, closed, isIdle, channelCount, flowCount }) => ({
      attached,
      closed,
      isIdle,
      channelCount,
      flowCount,
    }));
    return JSON.stringify({ states, conversations });
  }

  #verify(): void {
    for (const conversation of this.#conversations) {
      const { near, far } = conversation;
      const lost = isLost(conversation);
      if (far.channel !== undefined || !isExcused(near)) near.checkAgainst(far, lost);
      if (far.channel !== undefined) far.checkAgainst(near, lost);
    }
    for (const session of this.#sessions) session.close('the simulation is over', 1000);
    this.#clock.advance(10_000);
    if (this.#clock.pending > 0) throw new Error(`${this.#clock.pending} timers are left`);
    for (const budget of [this.#replay, this.#windows]) {
      if (budget.reserved !== 0) throw new Error(`${budget.reserved} bytes are held for ever`);
    }
  }
}

/** What a service begins with, before the number of the conversation. */
const SERVICE = 'conversation ';

/** Whom an arrival is from, by its number. */
function from(number: number): Arrival {
  return { peer: { host: '192.0.2.7', port: number }, local: { host: '192.0.2.1', port: 8_080 }, name: '' };
}

/** It has come to nobody for a reason: its listener is over, or a server that drains had it when there was no other. */
function isExcused({ channel, failure }: Speaker): boolean {
  const beginning = channel === undefined ? undefined : sessionSide(channel).beginning;
  const isOver = beginning instanceof Arriving && beginning.listener.state.dead;
  return failure !== undefined && (isOver || failure === 'GOING_AWAY');
}

/** A session that had it is over. */
function isLost({ client, session }: Conversation): boolean {
  return client?.session.closed === true || session?.closed === true;
}
