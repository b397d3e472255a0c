import type { Duplex } from 'node:stream';
import { type Clock, CloseCode, type ProcessBudgets, type SlabPool, type Timer } from 'wsproxy-engine';
import type { MessageWebSocket } from 'wsproxy-node/transports';
import type { LoginOutcome, WispVisit } from '../gateway/wisp-door.js';
import type { User } from '../users/user.js';
import { type Answer, readAnswer, serverInfo } from './handshake.js';
import { CloseReason, closePacket, infoPacket, PacketType, readPacket } from './packets.js';
import { WispSession } from './wisp-session.js';

/** One WebSocket of Wisp, from its upgrade to its end: whose it is, whether it lives, and what it brings. */
export class WispConnection {
  readonly #ws: MessageWebSocket;
  readonly #connection: Duplex;
  readonly #service: WispService;
  readonly #visit: WispVisit;
  #session: WispSession | undefined;
  /** The INFO of the client is awaited. */
  #isGreeting: boolean;
  #timer: Timer | undefined;
  #heardAt: number;
  #isPaused = false;
  /** Called once the connection is closed. */
  #onClosed: (() => void) | undefined;

  constructor(ws: MessageWebSocket, connection: Duplex, service: WispService, visit: WispVisit) {
    this.#ws = ws;
    this.#connection = connection;
    this.#service = service;
    this.#visit = visit;
    this.#isGreeting = visit.isSecondVersion;
    this.#heardAt = service.clock.now();
    ws.on('message', (data, isBinary) => this.#onMessage(data, isBinary));
    ws.on('pong', () => this.#hear());
    ws.on('error', (error) => visit.onBroken(error));
    ws.on('close', () => this.#onClose());
    const { user } = visit;
    if (this.#isGreeting) this.#greet();
    else if (user !== undefined) this.#begin(user, false);
  }

  #greet(): void {
    const { clock } = this.#service;
    if (this.#needsLogin) boundStranger(this.#connection);
    this.#ws.send(infoPacket(serverInfo({ ...this.#service, needsLogin: this.#needsLogin })));
    this.#timer = clock.setTimer(
      () => this.#refuse(this.#needsLogin ? CloseReason.noPassword : CloseReason.unknown),
      GREETING_TIME,
    );
  }

  get #needsLogin(): boolean {
    return this.#visit.user === undefined;
  }

  #onMessage(data: Buffer, isBinary: boolean): void {
    this.#hear();
    if (!isBinary) return this.#ws.close(CloseCode.textMessage, 'expected binary messages');
    const packet = readPacket(data);
    if (packet === undefined) return this.#onBreach();
    if (this.#session !== undefined) {
      if (!this.#session.take(packet)) this.#onBreach();
    } else if (packet.type === PacketType.close) this.#ws.close(CloseCode.normal, '');
    else if (packet.type === PacketType.info && this.#isGreeting) this.#onInfo(packet.payload);
    else this.#onBreach();
  }

  /** RFC 6455 section 7.4.1. */
  #onBreach(): void {
    this.#visit.onBroken(new Error('no packet that may come here'));
    this.#ws.close(BREACH, 'no packet that may come here');
  }

  #onInfo(payload: Uint8Array): void {
    this.#isGreeting = false;
    this.#timer?.cancel();
    const answer = readAnswer(payload, { needsLogin: this.#needsLogin });
    if (typeof answer === 'number') return this.#refuse(answer);
    const { user } = this.#visit;
    if (user === undefined) void this.#login(answer);
    else this.#begin(user, answer.confirmsOpening);
  }

  async #login({ login, confirmsOpening }: Answer): Promise<void> {
    const outcome = login === undefined ? 'wrong' : await this.#visit.login(login.name, login.password);
    if (typeof outcome === 'string') return this.#refuse(REASONS[outcome]);
    this.#connection.off('data', onStrangersBytes);
    if (!this.#connection.destroyed) this.#begin(outcome, confirmsOpening);
  }

  #refuse(reason: number): void {
    this.#ws.send(closePacket(0, reason));
    this.#ws.close(CloseCode.normal, '');
  }

  #begin(user: User, confirmsOpening: boolean): void {
    const { clock, memory, budgetsOf } = this.#service;
    this.#session = new WispSession(this.#ws, {
      ...{ clock, memory, confirmsOpening },
      processBudgets: budgetsOf(user),
      onTransport: (transport) => {
        this.#onClosed = this.#visit.onTransport(transport, user);
      },
      onPause: () => this.#pause(),
      onResume: () => this.#resume(),
    });
    this.#watch();
  }

  #pause(): void {
    this.#isPaused = true;
    this.#ws.pause();
  }

  #resume(): void {
    this.#isPaused = false;
    this.#hear();
    this.#ws.resume();
  }

  #hear(): void {
    this.#heardAt = this.#service.clock.now();
  }

  /** A client that is gone says nothing, and a proxy on the way cuts a WebSocket that is silent. */
  #watch(): void {
    const { clock } = this.#service;
    this.#timer = clock.setTimer(() => {
      if (!this.#isPaused && clock.now() - this.#heardAt > SILENCE) return this.#ws.terminate();
      this.#ws.ping();
      this.#watch();
    }, PING_INTERVAL);
  }

  #onClose(): void {
    this.#timer?.cancel();
    this.#session?.leave();
    this.#onClosed?.();
  }
}

/** What serves all of them. */
export interface WispService {
  readonly clock: Clock;
  readonly memory: SlabPool;
  /** The server carries datagrams. */
  readonly hasFlows: boolean;
  readonly motd: string | undefined;
  readonly budgetsOf: (user: User) => ProcessBudgets;
}

/** For the INFO of a client, ms. */
const GREETING_TIME = 5_000;
/** As of other sessions, ms. */
const PING_INTERVAL = 15_000;
const SILENCE = 45_000;
/** RFC 6455 section 7.4.1: a protocol error. */
const BREACH = 1002;

const REASONS: Readonly<Record<Exclude<LoginOutcome, User>, number>> = {
  wrong: CloseReason.wrongPassword,
  full: CloseReason.throttled,
};

/** Until a stranger is known, no more of what they send is kept than a login takes, bytes. */
const MOST_OF_STRANGER = 4_096;

function boundStranger(connection: Duplex): void {
  connection.on('data', onStrangersBytes);
}

/** One for all of them. */
function onStrangersBytes(this: Duplex & { bytesOfStranger?: number }, { length }: Buffer): void {
  this.bytesOfStranger = (this.bytesOfStranger ?? 0) + length;
  if (this.bytesOfStranger > MOST_OF_STRANGER) this.destroy();
}
