import { CloseCode, silentLogger } from 'wsproxy-engine';
import { Connector } from 'wsproxy-engine/connector';
import { FakeClock } from 'wsproxy-engine/testing';
import { newMemory } from 'wsproxy-test-support/engine/new-memory';
import { Random } from 'wsproxy-test-support/engine/random';
import { sessionSide } from 'wsproxy-test-support/engine/session-side';
import { KeptListener } from '../../packages/client/src/remote/kept-listener.js';
import { SHAPES, type Shape } from './shape.js';
import { type Road, SimNetwork } from './sim-network.js';
import { GRACE, SimProcess, SimServer } from './sim-server.js';
import { Talk } from './talk.js';

/** What proxies say when they restart, or nothing. */
const PROXY_CODES = [CloseCode.serviceRestart, CloseCode.tryAgainLater] as const;
const ANY_CODES = [1000, 1001, 1006, 1011, 1012, 1013, 4000] as const;
const ENDING_CODES = [1003, 4003, 4004, 4005, 4006] as const;
/** So long is a server away, ms: longer than a request waits, shorter than the grace. */
const MAX_OUTAGE = 12_000;
/** Chance per step that much time passes at once, and how much at most, ms; what happens meanwhile is looked at so often. */
const PASSING = 0.04;
const MAX_PASSING = 2_000;
const STEP = 200;
/** So long everything may take to come to its end, once nothing disturbs it any more, ms. */
const PATIENCE = 4 * GRACE;

/** A whole client and its servers, a network that fails, and applications that do what they like: decided by one seed. */
export class World {
  readonly shape: Shape;
  readonly #random: Random;
  readonly #clock = new FakeClock();
  readonly #network = new SimNetwork(() => this.#excuseUnderWay());
  readonly #servers: SimServer[] = [];
  readonly #connector: Connector;
  readonly #listener: KeptListener;
  readonly #talks: Talk[] = [];

  constructor(seed: number) {
    this.#random = new Random(seed);
    this.shape = this.#random.pick(SHAPES);
    const { servers, sessions = 100, lastChannel } = this.shape;
    const count = servers[0] + this.#random.below(servers[1] - servers[0] + 1);
    for (let n = 0; n < count; n++) {
      this.#servers.push(
        new SimServer(
          `server ${n}`,
          () =>
            new SimProcess(this.#clock, sessions, (channel, process) =>
              this.#talkOf(channel.target.host).offer(channel, process),
            ),
        ),
      );
    }
    this.#connector = new Connector({
      servers: this.#servers.map((server) => ({ name: server.name, connect: this.#network.dialer(server) })),
      clock: this.#clock,
      memory: newMemory(),
      logger: silentLogger,
      grace: GRACE,
      connections: this.#random.chance(0.6) ? 1 : 1 + this.#random.below(3),
      optimistic: this.#random.chance(0.3),
      random: () => this.#random.next(),
      lastChannel,
    });
    this.#listener = new KeptListener(
      this.#connector,
      { kind: 'tcp', bind: '', port: 8_080, backlog: 0, name: 'one', text: 'localhost:8080' },
      {
        onChange() {},
        // Whom it is from says which one it is.
        onChannel: (channel, { peer }) => this.#talkAt((peer?.port ?? 0) - 1).offer(channel),
        onFlow() {},
      },
      { clock: this.#clock, logger: silentLogger, random: () => this.#random.next() },
    );
  }

  async run(): Promise<void> {
    this.#connector.start().catch(() => {});
    this.#listener.start();
    for (let step = 0; step < this.shape.steps; step++) {
      if (this.#random.chance(PASSING)) await this.#pass(this.#random.below(MAX_PASSING));
      else if (this.#act()) await flush();
      if (this.#network.roads.some(({ link }) => link.isStalled)) this.#excuseWaiting();
    }
    await this.#finish();
    this.#verify();
    await this.#leave();
  }

  // ---- what happens

  /** One thing happens; true when somebody waits for a promise. */
  #act(): boolean {
    const random = this.#random;
    if (this.#disturb()) return true;
    const kind = random.below(100);
    if (kind < 36) this.#deliver();
    else if (kind < 48) this.#clock.advance(random.below(15));
    else if (kind < 60) this.#clock.runDeferred();
    else if (kind < 68) return this.#answerDial();
    else if (kind < 71) this.#open();
    else if (kind < 73) this.#arrive();
    else this.#speak();
    return kind >= 36 && kind < 48;
  }

  /** Time passes, and anything that needs less than that happens. */
  async #pass(milliseconds: number): Promise<void> {
    for (let left = milliseconds; left > 0; left -= STEP) {
      await this.#settle();
      if (this.#network.roads.some(({ link }) => link.isStalled)) this.#excuseWaiting();
      this.#clock.advance(Math.min(left, STEP));
      await flush();
    }
  }

  #deliver(): void {
    const random = this.#random;
    const { roads } = this.#network;
    const road = random.chance(0.6) ? roads.at(-1) : roads[random.below(roads.length)];
    if (road === undefined) return;
    const limit = 1 + random.below(1 + random.below(this.shape.maxDelivery));
    this.#network.deliver(road, random.chance(0.5) ? 0 : 1, limit);
    if (random.chance(0.05)) this.#network.tidy();
  }

  #answerDial(): boolean {
    const { pending } = this.#network;
    return pending.length > 0 && this.#network.answer(this.#random.pick(pending));
  }

  #open(): void {
    if (this.#talks.length >= this.shape.maxTalks) return;
    const talk = new Talk(this.#talks.length);
    this.#talks.push(talk);
    talk.near.channel = this.#connector.open(talk.target, talk.near);
    if (this.shape.isLossy) this.#excuse(talk, 'anything may happen');
    // Nobody opens all the channels that are left in one turn.
    if (this.shape.lastChannel !== undefined) this.#clock.runDeferred();
    if (this.#random.chance(0.8)) talk.near.start();
  }

  /** Somebody comes to a port that a server listens on for the client. */
  #arrive(): void {
    const processes = this.#servers.flatMap((server) => server.processes);
    const process = processes.find(({ listeners }) => listeners.name.owner !== undefined);
    const owner = process?.listeners.name.owner;
    if (process === undefined || owner === undefined || this.#talks.length >= this.shape.maxTalks) return;
    const index = this.#talks.length;
    const talk = new Talk(index);
    this.#talks.push(talk);
    const ends = { peer: { host: '192.0.2.7', port: index + 1 }, local: { host: '192.0.2.1', port: 8_080 } };
    talk.arrive(owner.session.openIncoming(owner.listener, { ...ends, name: '' }, talk.near), process);
    if (this.shape.isLossy) this.#excuse(talk, 'anything may happen');
    if (this.#random.chance(0.8)) talk.near.start();
  }

  #speak(): void {
    const random = this.#random;
    if (this.#talks.length === 0) return this.#open();
    const talk = random.pick(this.#talks);
    const speaker = random.chance(0.5) ? talk.near : talk.far;
    if (speaker === talk.far && !this.#answer(talk)) return;
    if (random.chance(this.shape.kills)) return speaker.reset(random.chance(0.5));
    const kind = random.below(20);
    if (kind < 13) speaker.write(1 + random.below(1 + random.below(this.shape.maxWrite)));
    else if (kind < 14) speaker.end();
    else if (kind < 16) speaker.isStopped = true;
    else if (kind < 19) speaker.goOn();
    else speaker.start();
  }

  /** The server answers, or does not yet; true once the destination may speak. */
  #answer({ far }: Talk, atLast = false): boolean {
    const { channel } = far;
    if (channel === undefined || channel.state.dead) return false;
    if (channel.state.opening === 'open') return true;
    if (!atLast && this.#random.chance(0.03)) {
      far.killed = 'refused';
      sessionSide(channel).refuse('CONNECTION_REFUSED');
      return false;
    }
    if (!atLast && !this.#random.chance(0.5)) return false;
    sessionSide(channel).accept();
    far.opened = true;
    far.start();
    return true;
  }

  // ---- what goes wrong

  #disturb(): boolean {
    const { faults } = this.shape;
    const random = this.#random;
    let chance = random.next();
    const is = (fault: number): boolean => {
      chance -= fault;
      return chance < 0 && chance >= -fault;
    };
    if (is(faults.cut)) this.#cut(random.pick(ANY_CODES));
    else if (is(faults.stall)) this.#withRoad(({ link }) => this.#stall(link));
    else if (is(faults.outage)) this.#beginOutage();
    else if (is(faults.drain)) this.#drain(true);
    else if (is(faults.stop)) this.#drain(false);
    else if (is(faults.restart)) this.#restart();
    else if (is(faults.expel)) this.#expel();
    else if (is(faults.migrate)) this.#migrate();
    else if (is(faults.sleep)) this.#clock.wallOffset += 3_600_000 * (random.chance(0.8) ? 1 : -1);
    else if (is(faults.reconnect)) this.#connector.reconnectNow();
    else if (is(faults.proxyRestart)) return this.#restartProxy();
    else return false;
    return true;
  }

  #withRoad(harm: (road: Road) => void): void {
    const { roads } = this.#network;
    if (roads.length > 0) harm(this.#random.pick(roads));
  }

  /** A connection is lost; where nothing may fail, only one on which the server has answered. */
  #cut(code: number): void {
    this.#withRoad((road) => {
      if (road.isAnswered || this.shape.isLossy) this.#lose(road, code);
    });
  }

  #lose({ link }: Road, code: number): void {
    link.cut(this.#random.pick([[0], [1], [0, 1]] as const), code);
  }

  /** A proxy that has passed on some of the greeting, or all of it, says that it restarts. */
  #restartProxy(): boolean {
    const road = this.#network.roads.at(-1);
    if (road === undefined || road.isAnswered || road.link.ends[0].isDone) return false;
    this.#network.deliver(road, 0, 1 + this.#random.below(2_000));
    road.link.cut([0, 1], this.#random.pick(PROXY_CODES));
    return true;
  }

  #stall(link: Road['link']): void {
    link.isStalled = true;
  }

  /** One server at a time, where nothing may fail. */
  #beginOutage(): void {
    if (!this.shape.isLossy && this.#servers.some(({ isReachable }) => !isReachable)) return;
    const server = this.#random.pick(this.#servers);
    if (!server.isReachable) return;
    server.isReachable = false;
    server.isSilent = this.#random.chance(0.3);
    for (const road of this.#network.roads) if (road.server === server) this.#lose(road, 1006);
    this.#clock.setTimer(() => {
      server.isReachable = true;
    }, 500 + this.#random.below(MAX_OUTAGE));
  }

  #drain(hasSuccessor: boolean): void {
    const server = this.#random.pick(this.#servers);
    const deadline = this.shape.isLossy ? this.#random.below(20_000) : PATIENCE;
    server.drain(deadline, (process) =>
      this.#excuseAll(() => process.registry.channelCount > 0, 'the server has ended'),
    );
    if (hasSuccessor) server.start();
  }

  #restart(): void {
    const server = this.#random.pick(this.#servers);
    for (const road of this.#network.roads) if (road.server === server) road.link.cut([0, 1]);
    for (const talk of this.#talks) {
      const { process } = talk;
      if (process !== undefined && server.processes.includes(process)) this.#excuse(talk, 'its server was killed');
    }
    for (const process of [...server.processes]) server.end(process);
  }

  /** The client is told that its session is over. */
  #expel(): void {
    this.#withRoad((road) => this.#lose(road, this.#random.pick(ENDING_CODES)));
  }

  #migrate(): void {
    this.#withRoad(({ process, isAnswered }) => {
      if (isAnswered) process.migrate();
    });
  }

  /** Silence takes longer to be noticed than a request waits. */
  #excuseWaiting(): void {
    for (const talk of this.#talks) if (talk.isWaiting) this.#excuse(talk, 'a connection is silent');
  }

  #excuseUnderWay(): void {
    for (const talk of this.#talks) if (talk.isUnderWay) this.#excuse(talk, 'its transport was lost under the request');
  }

  #excuse(talk: Talk, excuse: string): void {
    talk.excuse ??= excuse;
  }

  #excuseAll(condition: () => boolean, excuse: string): void {
    if (condition()) for (const talk of this.#talks) this.#excuse(talk, excuse);
  }

  // ---- the end

  /** The network behaves, and everyone says what is left to say. */
  async #finish(): Promise<void> {
    const network = this.#network;
    for (const server of this.#servers) {
      server.isReachable = true;
      server.isSilent = false;
    }
    for (const { link } of network.roads) link.loseIfStalled();
    const deadline = this.#clock.now() + PATIENCE;
    for (let step = 5; this.#isBusy; step = Math.min(200, step + 5)) {
      if (this.#clock.now() > deadline) throw new Error(`stuck: ${this.#describe()}`);
      for (const talk of this.#talks) {
        this.#answer(talk, true);
        for (const speaker of [talk.near, talk.far]) {
          speaker.start();
          speaker.goOn();
          if (speaker === talk.near || speaker.opened) speaker.end();
        }
      }
      await this.#settle();
      this.#clock.advance(step);
      await flush();
    }
  }

  /** Lets everything happen that needs no time. */
  async #settle(): Promise<void> {
    const network = this.#network;
    for (let moved = true; moved; ) {
      moved = this.#clock.runDeferred();
      for (const dial of network.pending) moved = network.answer(dial) || moved;
      await flush();
      for (const road of network.roads) {
        for (const direction of [0, 1] as const) moved = network.deliver(road, direction, 100_000) || moved;
      }
      network.tidy();
    }
  }

  get #isBusy(): boolean {
    if (this.#talks.some((talk) => !talk.isOver)) return true;
    return this.#connector.channelCount > 0 || this.#servers.some(({ channelCount }) => channelCount > 0);
  }

  #verify(): void {
    for (const talk of this.#talks) talk.verify();
  }

  /** Nothing is left of what has been: no channel, no timer, no connection, no dial. */
  async #leave(): Promise<void> {
    this.#listener.close();
    this.#connector.close();
    await this.#settle();
    for (const { processes } of this.#servers) for (const { registry } of processes) registry.close();
    await this.#settle();
    this.#clock.advance(2 * GRACE);
    await this.#settle();
    const left = {
      timers: this.#clock.pending,
      dials: this.#network.pending.length,
      roads: this.#network.roads.length,
      sessions: this.#servers.reduce(
        (sum, { processes }) => sum + processes.reduce((n, { registry }) => n + registry.size, 0),
        0,
      ),
    };
    for (const [what, count] of Object.entries(left)) if (count > 0) throw new Error(`${count} ${what} are left`);
  }

  #talkOf(host: string): Talk {
    return this.#talkAt(Number(/^t(\d+)\.example$/.exec(host)?.[1]));
  }

  #talkAt(index: number): Talk {
    const talk = this.#talks[index];
    if (talk === undefined) throw new Error('something was dialled, and nobody has asked for it');
    return talk;
  }

  #describe(): string {
    const { state, channelCount } = this.#connector;
    const open = this.#talks.filter((talk) => !talk.isOver).map(String);
    return `${state} ${channelCount} ${this.#servers.map((server) => server.channelCount).join()} ${open.join(' ')}`;
  }
}

/** Lets the promises of dials and drains go on. */
async function flush(): Promise<void> {
  for (let n = 0; n < 4; n++) await Promise.resolve();
}
