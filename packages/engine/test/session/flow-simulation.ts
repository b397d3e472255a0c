import type { PlainFrame } from 'wsproxy-test-support/engine/oracle-codec';
import { Random } from 'wsproxy-test-support/engine/random';
import { sessionSide } from 'wsproxy-test-support/engine/session-side';
import { Speaker } from 'wsproxy-test-support/engine/speaker';
import { bytesTaken, WatchedLink } from 'wsproxy-test-support/engine/watched-link';
import type { OfferedFlow } from '../../src/datagram/flow.js';
import { MemoryBudget } from '../../src/flow/memory-budget.js';
import { FrameType } from '../../src/frame/frame.js';
import { FlowPair } from './flow-pair.js';
import { FlowSpeaker } from './flow-speaker.js';

interface Shape {
  readonly steps: number;
  readonly flows: number;
  readonly channels: number;
  /** Bytes of a datagram, of what is written to a channel, and of what the network brings at once, at most. */
  readonly datagram: number;
  readonly write: number;
  readonly delivery: number;
  /** Chances per step: that the network fails, that a flow is closed. */
  readonly faults: number;
  readonly closes: number;
}

const SHAPES: readonly Shape[] = [
  { steps: 250, flows: 3, channels: 1, datagram: 60, write: 60, delivery: 40, faults: 0.04, closes: 0.01 },
  { steps: 250, flows: 4, channels: 2, datagram: 2_000, write: 2_000, delivery: 3_000, faults: 0.06, closes: 0.02 },
  {
    steps: 200,
    flows: 2,
    channels: 2,
    datagram: 60_000,
    write: 150_000,
    delivery: 60_000,
    faults: 0.03,
    closes: 0.005,
  },
  { steps: 150, flows: 6, channels: 1, datagram: 1_400, write: 20_000, delivery: 5_000, faults: 0.25, closes: 0.02 },
  { steps: 300, flows: 2, channels: 1, datagram: 65_000, write: 100, delivery: 4_000, faults: 0.01, closes: 0 },
];

/** Beyond what a session keeps to send again. */
const MEMORY = 4_194_304;

/** Flows and channels in one session, over a network that fails: all decided by one seed. */
export class FlowSimulation {
  /** Datagrams that have arrived. */
  arrived = 0;
  readonly #random: Random;
  readonly #shape: Shape;
  readonly #budget = new MemoryBudget(Number.MAX_SAFE_INTEGER);
  readonly #pair: FlowPair;
  readonly #flows: [near: FlowSpeaker, far: FlowSpeaker][] = [];
  readonly #offered = new Map<FlowSpeaker, OfferedFlow>();
  readonly #channels: [near: Speaker, far: Speaker][] = [];
  /** By their numbers. */
  readonly #farChannels = new Map<number, Speaker>();
  /** The newest is the last. */
  readonly #links: WatchedLink[] = [];

  constructor(seed: number) {
    this.#random = new Random(seed);
    this.#shape = this.#random.pick(SHAPES);
    const windows = new MemoryBudget(Number.MAX_SAFE_INTEGER);
    const processBudgets = { windows, replay: this.#budget };
    this.#pair = new FlowPair({ processBudgets }, { processBudgets });
    this.#pair.onFlow = (flow) => this.#onFlow(flow);
    this.#pair.keeper.onChannel = (channel) => {
      const far = this.#farChannels.get(channel.id);
      if (far === undefined || far.channel !== undefined) throw new Error(`channel ${channel.id} was offered wrongly`);
      far.channel = channel;
      sessionSide(channel).accept();
      far.opened = true;
      far.start();
    };
  }

  run(): void {
    for (let step = 0; step < this.#shape.steps && !this.#pair.client.closed; step++) {
      this.#act();
      this.#heedRefusal();
      if (this.#budget.reserved > MEMORY) throw new Error(`${this.#budget.reserved} bytes wait`);
    }
    this.#finish();
    this.#verify();
  }

  #onFlow(flow: OfferedFlow): void {
    const far = this.#farOf(flow.id);
    if (far === undefined || far.flow !== undefined) throw new Error(`flow ${flow.id} was offered wrongly`);
    far.flow = flow;
    this.#offered.set(far, flow);
    flow.start(far);
    if (this.#random.chance(0.5)) this.#answer(far);
  }

  #farOf(id: number): FlowSpeaker | undefined {
    return this.#flows.find(([near]) => near.flow?.id === id)?.[1];
  }

  #answer(far: FlowSpeaker): void {
    const flow = this.#offered.get(far);
    if (flow === undefined || flow.state.dead || flow.state.opening !== 'offered') return;
    if (this.#random.chance(0.05)) {
      far.isClosed = true;
      flow.refuse('DENIED');
    } else {
      flow.accept();
    }
  }

  #act(): void {
    const random = this.#random;
    if (random.chance(this.#shape.faults)) return this.#disturb();
    if (!this.#pair.client.attached && random.chance(0.2)) return this.#connect();
    const kind = random.below(10);
    if (kind < 4) this.#deliver();
    else if (kind < 5) this.#pair.clock.advance(random.below(random.chance(0.1) ? 700 : 12));
    else if (kind < 6) this.#pair.clock.runDeferred();
    else if (kind < 7) this.#open();
    else this.#speak();
  }

  #open(): void {
    const { client } = this.#pair;
    const key = 1_000 * (this.#flows.length + 1);
    if (this.#channels.length < this.#shape.channels) {
      const speakers: [Speaker, Speaker] = [new Speaker('near', key, key + 1), new Speaker('far', key + 1, key)];
      this.#channels.push(speakers);
      speakers[0].channel = client.open({ host: 'example.org', port: 80 }, speakers[0]);
      this.#farChannels.set(speakers[0].channel.id, speakers[1]);
      speakers[0].start();
    } else if (this.#flows.length < this.#shape.flows) {
      const [near, far] = FlowSpeaker.pair(2 * key);
      this.#flows.push([near, far]);
      const flow = client.openFlow(this.#random.chance(0.5) ? { host: 'example.org', port: 53 } : undefined, near);
      near.flow = flow;
      flow.start(near);
    }
  }

  #speak(): void {
    const random = this.#random;
    if (this.#channels.length === 0 || this.#flows.length === 0) return;
    const length = (most: number): number => random.below(1 + random.below(1 + most));
    if (random.chance(0.3)) return random.pick(random.pick(this.#channels)).write(1 + length(this.#shape.write));
    const speakers = random.pick(this.#flows);
    const speaker = random.pick(speakers);
    this.#answer(speakers[1]);
    if (speaker.flow !== undefined && random.chance(this.#shape.closes)) return speaker.close();
    for (let n = random.below(4); n >= 0; n--) speaker.send(length(this.#shape.datagram));
  }

  #disturb(): void {
    const link = this.#links.at(-1);
    const kind = this.#random.below(10);
    if (link === undefined || kind >= 7) this.#connect();
    else if (kind < 2) link.cut([0]);
    else if (kind < 4) link.cut([1]);
    else if (kind < 6) link.cut([0, 1]);
    else link.isStalled = true;
  }

  #connect(): void {
    const begun = [new Set<number>(), new Set<number>()];
    const link: WatchedLink = new WatchedLink((from, frame, arrived) => {
      const taken = bytesTaken(frame);
      if (taken !== undefined && taken !== arrived) throw new Error(`TAKEN says ${taken} of ${arrived} bytes`);
      this.#checkOrder(from, frame, begun[from]);
    });
    this.#links.push(link);
    this.#pair.join(...link.ends);
  }

  /** On each link no datagram goes ahead of what has begun its flow, unless the other end has that already. */
  #checkOrder(from: 0 | 1, { type, channel }: PlainFrame, begun = new Set<number>()): void {
    if (type === (from === 0 ? FrameType.flow : FrameType.openOk)) begun.add(channel);
    if (type !== FrameType.datagram || begun.has(channel)) return;
    const far = this.#farOf(channel);
    const near = this.#flows.find((pair) => pair[1] === far)?.[0];
    const isKnown = from === 0 ? far?.flow !== undefined : near?.opened === true || near?.flow?.state.dead === true;
    if (!isKnown) throw new Error(`a datagram went ahead of flow ${channel}`);
  }

  #deliver(): void {
    const random = this.#random;
    const link = random.chance(0.8) ? this.#links.at(-1) : this.#links[random.below(this.#links.length)];
    link?.deliver(random.chance(0.5) ? 0 : 1, 1 + random.below(1 + random.below(this.#shape.delivery)));
  }

  /** As a client does that is told that its session is over. */
  #heedRefusal(): void {
    const { client, log } = this.#pair;
    const loss = log.losses.at(-1);
    if (!client.attached && !client.closed && loss !== undefined && loss.code >= 4_000) {
      client.close(loss.reason, loss.code);
    }
  }

  /** The network behaves: everybody is answered, hears one thing more, and ends. */
  #finish(): void {
    for (const [, far] of this.#channels) if (far.channel !== undefined) far.goOn();
    for (const [near] of this.#channels) near.end();
    this.#until(() => this.#flows.every(([near]) => near.flow?.state.dead === true || near.opened));
    const living = this.#flows
      .filter(([near, far]) => near.flow?.state.dead === false && far.flow?.state.dead === false)
      .flat();
    const before = living.map(({ came }) => came.size);
    // Once more when it is lost: as programs do that use datagrams.
    this.#until(() => {
      for (const speaker of living) speaker.send(10);
      return living.every(({ came }, n) => came.size > (before[n] ?? 0));
    });
    for (const [near] of this.#flows) near.close();
    for (const [, far] of this.#channels) far.end();
    const { client } = this.#pair;
    this.#until(() => client.isIdle && this.#server?.isIdle === true && this.#server.flowCount === 0);
  }

  #until(condition: () => boolean): void {
    const { client, clock } = this.#pair;
    for (let round = 0; !condition() && !client.closed; round++) {
      if (round > 3_000) throw new Error('stuck');
      if (!client.attached) this.#connect();
      for (const [, far] of this.#flows) this.#answer(far);
      this.#links.at(-1)?.loseIfStalled();
      clock.runDeferred();
      for (const old of this.#links) for (const direction of [0, 1] as const) old.deliver(direction, 100_000);
      clock.advance(5);
      this.#heedRefusal();
    }
  }

  get #server() {
    const sessions = [...this.#pair.keeper.kept.values()].map(({ session }) => session);
    return sessions.find(({ figures }) => figures.received > 0) ?? sessions.at(-1);
  }

  #verify(): void {
    const { client, keeper, clock, log } = this.#pair;
    if (client.closed && (this.#pair.welcomes > 0 || log.losses.at(-1)?.code !== 4006)) {
      throw new Error(`the session was closed: ${log.closings.join()} ${keeper.log.closings.join()}`);
    }
    for (const [near, far] of this.#channels) near.checkAgainst(far, client.closed);
    for (const [near, far] of this.#flows) this.arrived += near.came.size + far.came.size;
    client.close('the simulation is over', 1000);
    for (const { session } of [...keeper.kept.values()]) session.close('the simulation is over', 1000);
    clock.advance(10_000);
    if (clock.pending > 0) throw new Error(`${clock.pending} timers are left`);
    if (this.#budget.reserved !== 0) throw new Error(`${this.#budget.reserved} bytes are held for ever`);
  }
}
