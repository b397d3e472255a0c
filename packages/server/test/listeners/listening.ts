import { createSocket, type Socket as DatagramSocket } from 'node:dgram';
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { setImmediate as turn } from 'node:timers/promises';
import {
  type Arrival,
  type FailureCode,
  type ListenHandler,
  type ListenKind,
  type ListenRequest,
  type Logger,
  type OfferedChannel,
  type OfferedFlow,
  type Peer,
  type RemoteListener,
  silentLogger,
} from 'wsproxy-engine';
import { FakeClock } from 'wsproxy-engine/testing';
import { atEnd } from 'wsproxy-test-support/cleanup/at-end';
import { newMemory } from 'wsproxy-test-support/engine/new-memory';
import { Guard } from '../../src/limits/guard.js';
import { type LimitOptions, resolveLimits } from '../../src/limits/limits.js';
import type { Hold } from '../../src/listeners/held.js';
import { ListenRights, type ListenRightsOptions } from '../../src/listeners/listen-rights.js';
import { ListenerTable } from '../../src/listeners/listener-table.js';
import { holdsOfSystem } from '../../src/listeners/places-of-system.js';
import { createAccessLog } from '../../src/observe/access-log.js';
import { type ArrivalRecord, type FlowRecord, type ListenerRecord, Observers } from '../../src/observe/observer.js';
import { SessionRegistry } from '../../src/sessions/session-registry.js';
import type { Exclusives } from '../../src/store/exclusives.js';
import type { User } from '../../src/users/user.js';
import { TestClient } from '../sessions/test-client.js';

/** A server that listens for its users on this machine; its sessions have a clock and transports of the test's. */
export class ListeningServer {
  readonly clock: FakeClock;
  readonly guard: Guard;
  readonly registry: SessionRegistry;
  readonly table: ListenerTable;
  readonly hits: string[] = [];
  readonly lines: { message: string; fields: Record<string, unknown> }[] = [];
  readonly listeners: ListenerRecord[] = [];
  readonly arrivals: ArrivalRecord[] = [];
  readonly flows: FlowRecord[] = [];
  /** Where it listens itself. */
  ownPort = 0;
  /** In place of those by whom sessions were begun. */
  readonly present = new Map<string, User | undefined>();
  readonly #clients: ListeningClient[] = [];
  #count = 1;

  constructor({ limits = {}, holds, clock = new FakeClock(), exclusives, ...rules }: ListeningOptions = {}) {
    this.clock = clock;
    const log = (fields: object, message: string): number => this.lines.push({ message, fields: { ...fields } });
    const logger: Logger = { debug: log, info: log, warn: log, error: log };
    this.guard = new Guard({
      limits: resolveLimits(limits),
      clock,
      logger,
      onLimit: (limit) => this.hits.push(limit),
      isShared: () => true,
    });
    const observer = new Observers((error) => {
      throw error;
    });
    observer.add(createAccessLog(this.guard.lines));
    observer.add({
      onListenerOver: (record) => this.listeners.push(record),
      onArrivalOver: (record) => this.arrivals.push(record),
      onFlowOver: (record) => this.flows.push(record),
    });
    const { udpIdle } = this.guard.limits;
    this.table = new ListenerTable({
      rights: new ListenRights(rules),
      holds: holds ?? holdsOfSystem({ logger: silentLogger, clock, udpIdle }),
      isOwn: ({ kind, port }) => kind === 'tcp' && port === this.ownPort,
      guard: this.guard,
      exclusives: () => exclusives,
      ...{ logger, observer, logTargets: true },
    });
    this.registry = new SessionRegistry({
      ...{ clock, memory: newMemory(), logger, guard: this.guard, observer, listeners: this.table },
      onChannel: (channel) => channel.refuse('DENIED'),
      // UDP listeners need flows; nobody asks for one here.
      flows: { serve: (flow) => flow.refuse('DENIED'), turnAway: (flow, _session, code) => flow.refuse(code) },
      maxGrace: 60_000,
      present: (user) => (this.present.has(user.id) ? this.present.get(user.id) : user),
    });
    atEnd(() => this.end());
  }

  /** A client of `user` that is there. */
  connect(user = 'alice', more: Partial<User> = {}): ListeningClient {
    const client = new ListeningClient(this, { ...more, id: user }, this.#count);
    this.#count += 1;
    this.#clients.push(client);
    client.connect();
    return client;
  }

  /** The session of the client that has been there for longest is over. */
  endOldest(): void {
    const [oldest] = this.#clients;
    if (oldest !== undefined) this.leave(oldest);
  }

  /** The same for that of `client`. */
  leave(client: ListeningClient): void {
    client.session.leave('over');
    client.settle();
    this.#clients.splice(this.#clients.indexOf(client), 1);
  }

  /** Lets sockets and sessions do what they can until `condition` holds. */
  async until(what: string, condition: () => boolean): Promise<void> {
    const deadline = performance.now() + 5_000;
    while (!condition()) {
      if (performance.now() > deadline) throw new Error(`not within 5 s: ${what}`);
      await this.turn();
    }
  }

  async turn(): Promise<void> {
    await turn();
    for (const client of this.#clients) client.settle();
  }

  /** So much time passes, in which those who are there say so. */
  async pass(ms: number): Promise<void> {
    const end = this.clock.now() + ms;
    while (this.clock.now() < end) {
      this.clock.advance(Math.min(1_000, end - this.clock.now()));
      await this.turn();
    }
  }

  /** Everything that can happen without anybody's doing has happened. */
  async settled(): Promise<void> {
    for (let i = 0; i < 20; i += 1) await this.turn();
  }

  linesOf(message: string): Record<string, unknown>[] {
    return this.lines.filter((line) => line.message === message).map(({ fields }) => fields);
  }

  /** Nothing is left, of anything that was there. */
  async end(): Promise<void> {
    this.registry.close();
    await this.until('every socket is closed', () => this.guard.inUse.sockets === 0);
    this.guard.close();
  }
}

interface ListeningOptions extends ListenRightsOptions {
  readonly limits?: LimitOptions;
  /** Default: ports and paths of this machine. */
  readonly holds?: Partial<Record<ListenKind, Hold>>;
  readonly clock?: FakeClock;
  /** What it shares with others, of the same clock. */
  readonly exclusives?: Exclusives;
}

const REQUEST: ListenRequest = {
  kind: 'tcp',
  bind: '127.0.0.1',
  port: 0,
  backlog: 0,
  name: 'web',
  takesOver: false,
  anyPort: false,
};

/** A client that asks for remote listeners, and serves what comes by them as the test says. */
export class ListeningClient extends TestClient {
  readonly #server: ListeningServer;

  constructor(server: ListeningServer, user: User, value: number) {
    super(server.registry, server.clock, user, value);
    this.#server = server;
  }

  /** Asks for a listener; what becomes of it shows in what is returned. */
  ask(request: Partial<ListenRequest> = {}): AskedListener {
    const asked = new AskedListener();
    asked.listener = this.session.listen({ ...REQUEST, ...request }, asked);
    return asked;
  }

  /** The same, once that was answered. */
  async listen(request: Partial<ListenRequest> = {}): Promise<AskedListener> {
    const asked = this.ask(request);
    await this.#server.until('the listener is answered', () => asked.events.length > 0);
    return asked;
  }
}

/** A listener as the client sees it that has asked for it. Connections are echoed, or wait until the test answers. */
export class AskedListener implements ListenHandler {
  listener: RemoteListener | undefined;
  readonly events: string[] = [];
  address: Peer | undefined;
  readonly channels: OfferedChannel[] = [];
  readonly flows: OfferedFlow[] = [];
  readonly arrivals: Arrival[] = [];
  /** What has come by all of them. */
  received = '';
  answer: 'echo' | 'wait' | FailureCode = 'echo';

  get port(): number {
    return this.address?.port ?? 0;
  }

  onListening(address: Peer): void {
    this.address = address;
    this.events.push('listening');
  }

  onFail(code: FailureCode): void {
    this.events.push(`fail ${code}`);
  }

  onOver(code: FailureCode): void {
    this.events.push(`over ${code}`);
  }

  onChannel(channel: OfferedChannel, arrival: Arrival): void {
    this.channels.push(channel);
    this.arrivals.push(arrival);
    if (this.answer === 'echo') this.serve(channel);
    else if (this.answer !== 'wait') channel.refuse(this.answer);
  }

  serve(channel: OfferedChannel): void {
    channel.accept();
    channel.start({
      onData: (chunk) => {
        this.received += Buffer.from(chunk).toString();
        channel.write(Buffer.from(chunk));
        channel.consumed(chunk.length);
      },
      onEnd: () => channel.end(),
      onReset() {},
      onWritable() {},
    });
  }

  onFlow(flow: OfferedFlow, arrival: Arrival): void {
    this.flows.push(flow);
    this.arrivals.push(arrival);
    if (this.answer === 'wait') return;
    if (this.answer !== 'echo') return flow.refuse(this.answer);
    flow.accept();
    flow.start({ onDatagram: (data) => flow.send(Buffer.concat([Buffer.from('echo '), data])) });
  }
}

/** Somebody who connects to a remote listener. */
export class Visitor {
  readonly socket: Socket;
  /** Its own. */
  port = 0;
  received = '';
  /** How it ended; undefined while it is open. */
  ending: 'end' | 'reset' | 'refused' | undefined;

  constructor(at: { readonly port: number; readonly host?: string } | { readonly path: string }, first?: string) {
    this.socket = connect({ host: '127.0.0.1', allowHalfOpen: true, ...at });
    atEnd(() => this.socket.destroy());
    this.socket.on('connect', () => {
      this.port = this.socket.localPort ?? 0;
    });
    this.socket.on('data', (data) => {
      this.received += data.toString();
    });
    this.socket.on('end', () => {
      this.ending ??= 'end';
    });
    this.socket.on('error', ({ code }: NodeJS.ErrnoException) => {
      this.ending ??= code === 'ECONNREFUSED' ? 'refused' : 'reset';
    });
    if (first !== undefined) this.socket.write(first);
  }
}

/** Somebody who sends datagrams to a remote listener. */
export class Sender {
  readonly received: string[] = [];
  readonly #socket: DatagramSocket;
  readonly #to: Peer;

  private constructor(socket: DatagramSocket, to: Peer) {
    this.#socket = socket;
    this.#to = to;
    socket.on('message', (data) => this.received.push(data.toString()));
  }

  static async bind(port: number, host = '127.0.0.1'): Promise<Sender> {
    const socket = createSocket(host === '127.0.0.1' ? 'udp4' : 'udp6');
    socket.bind(0, host);
    await once(socket, 'listening');
    return new Sender(socket, { host, port });
  }

  /** Its own. */
  get port(): number {
    return this.#socket.address().port;
  }

  send(text: string): void {
    this.#socket.send(text, this.#to.port, this.#to.host);
  }

  close(): void {
    this.#socket.close();
  }
}
