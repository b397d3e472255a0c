import { toHex } from 'wsproxy-test-support/engine/bytes';
import { ListenerName } from 'wsproxy-test-support/engine/listener-name';
import { newMemory } from 'wsproxy-test-support/engine/new-memory';
import { sessionSide } from 'wsproxy-test-support/engine/session-side';
import { SimLink } from 'wsproxy-test-support/engine/sim-link';
import type { OfferedChannel } from '../../src/channel/channel.js';
import type { OfferedFlow } from '../../src/datagram/flow.js';
import type { FailureCode } from '../../src/failures.js';
import type { MemoryBudget, ProcessBudgets } from '../../src/flow/memory-budget.js';
import type { Arrival, ListenKind } from '../../src/frame/listen.js';
import { Calling } from '../../src/listen/calling.js';
import type { ListenHandler, RemoteListener } from '../../src/listen/listener.js';
import { acceptTransport, type KeptSession, unknownSession } from '../../src/session/accept-transport.js';
import type { Carried } from '../../src/session/carried.js';
import { Greeter } from '../../src/session/greeter.js';
import { Session } from '../../src/session/session.js';
import type { FakeClock } from '../../src/testing/fake-clock.js';
import type { Transport } from '../../src/transport.js';

/** A server whose clients are all of one user. */
export class ListenServer {
  readonly kept = new Map<string, KeptSession>();
  readonly names: Readonly<Record<'tcp' | 'udp', ListenerName<Session>>> = {
    tcp: new ListenerName(),
    udp: new ListenerName(),
  };
  onChannel: (session: Session, channel: OfferedChannel) => void = () => {};
  readonly #clock: FakeClock;
  readonly #budgets: ProcessBudgets;
  readonly #memory = newMemory();

  constructor(clock: FakeClock, budgets: ProcessBudgets) {
    this.#clock = clock;
    this.#budgets = budgets;
  }

  get sessions(): Session[] {
    return [...this.kept.values()].map(({ session }) => session);
  }

  serve(transport: Transport): void {
    const host = {
      create: ({ id, secret, grace }: { id: Uint8Array; secret: Uint8Array; grace: number }): KeptSession =>
        this.#create(toHex(id), secret, grace),
      find: ({ id }: { id: Uint8Array }): KeptSession => {
        const kept = this.kept.get(toHex(id));
        if (kept === undefined) throw unknownSession();
        return kept;
      },
      onResumed() {},
      onRejected() {},
    };
    acceptTransport(transport, host, this.#clock);
  }

  #create(id: string, secret: Uint8Array, grace: number): KeptSession {
    const session: Session = new Session({
      role: 'server',
      clock: this.#clock,
      memory: this.#memory,
      processBudgets: this.#budgets,
      onChannel: (channel) => this.onChannel(session, channel),
      onFlow: (flow) => flow.refuse('DENIED'),
      onListen: (listener) => this.names[listener.request.kind === 'udp' ? 'udp' : 'tcp'].ask({ session, listener }),
      onDetached() {},
      onClosed: (_reason, unsent) => {
        this.kept.delete(id);
        this.#hand(unsent);
      },
    });
    const kept = { session, secret, attempt: 0, grace };
    this.kept.set(id, kept);
    return kept;
  }

  /** What a session that is over has not sent goes to the one who has the name now; calls go to nobody. */
  #hand(unsent: readonly Carried[]): void {
    for (const one of unsent) {
      if ('appetite' in one && sessionSide(one).beginning instanceof Calling) continue;
      const name = 'appetite' in one ? this.names.tcp : this.names.udp;
      name.adopt([one]);
    }
  }
}

/** A client: one session, and what listens for it. */
export class ListenClient {
  readonly session: Session;
  /** Of what it has asked for, by the kind; those that are over are left out. */
  readonly listeners = new Map<ListenKind, RemoteListener>();
  /** The server has asked it to go elsewhere. */
  isLeaving = false;
  /** The newest is the last. Old ones go on delivering for a while. */
  readonly links: SimLink[] = [];
  takeOvers = 0;
  readonly #server: ListenServer;
  readonly #events: ClientEvents;
  readonly #greeter: Greeter;
  #loss = 0;

  constructor(number: number, server: ListenServer, clock: FakeClock, events: ClientEvents) {
    this.#server = server;
    this.#events = events;
    this.session = new Session({
      role: 'client',
      clock,
      memory: newMemory(),
      processBudgets: { windows: events.windows, replay: events.replay },
      onDetached: ({ code }) => {
        this.#loss = code;
      },
      onCall: (channel, service) => events.onCall(this, channel, service),
      onGoAway: (kind) => {
        if (kind === 'drain') this.#leave();
      },
      onUndialled: (one) => events.onUndialled(this, one),
      onIdle: () => {
        if (this.isLeaving) this.session.leave('drained');
      },
      onClosed() {},
    });
    const key = { id: new Uint8Array(16).fill(number), secret: new Uint8Array(32).fill(number) };
    this.#greeter = new Greeter(this.session, 120_000, key);
  }

  connect(): void {
    if (this.session.closed) return;
    const link = new SimLink();
    this.links.push(link);
    this.#server.serve(link.ends[1]);
    this.#greeter.greet(link.ends[0], () => {});
  }

  /** As a client does that is told that its session is over. */
  heedRefusal(): void {
    const { session } = this;
    if (!session.attached && !session.closed && this.#loss >= 4_000) session.close('it is over', this.#loss);
  }

  #leave(): void {
    if (this.isLeaving) return;
    this.isLeaving = true;
    this.#events.onLeaving(this);
    for (const listener of this.listeners.values()) listener.end();
  }

  ask(kind: 'tcp' | 'udp', takesOver: boolean): void {
    if (this.session.closed || this.isLeaving) return;
    const request = { kind, bind: '', port: 8_080, backlog: 0, name: 'one', takesOver, anyPort: false };
    const handler: ListenHandler = {
      onListening() {},
      onFail: (code) => this.#again(kind, code),
      onOver: (code) => this.#again(kind, code),
      onChannel: (channel, arrival) => this.#events.onArrival(this, channel, arrival),
      onFlow: (flow, arrival) => this.#events.onArrival(this, flow, arrival),
    };
    this.listeners.set(kind, this.session.listen(request, handler));
  }

  /** And asks for it once more, as after a change of what is configured. */
  closeListener(kind: 'tcp' | 'udp'): void {
    this.listeners.get(kind)?.close();
    this.ask(kind, false);
  }

  #again(kind: 'tcp' | 'udp', code: FailureCode): void {
    if (code === 'TAKEN_OVER') this.takeOvers += 1;
    if (code !== 'GOING_AWAY') this.ask(kind, false);
  }
}

export interface ClientEvents {
  readonly windows: MemoryBudget;
  readonly replay: MemoryBudget;
  onLeaving(client: ListenClient): void;
  /** The server has not dialled it. */
  onUndialled(client: ListenClient, one: Carried): void;
  onArrival(client: ListenClient, one: OfferedChannel | OfferedFlow, arrival: Arrival): void;
  onCall(client: ListenClient, channel: OfferedChannel, service: string): void;
}
