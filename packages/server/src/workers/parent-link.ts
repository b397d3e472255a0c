import type { Socket } from 'node:net';
import type { MessagePort } from '../store/parent-store.js';
import type {
  Door,
  HoldNews,
  HoldRelease,
  HoldRequest,
  Introduction,
  Question,
  ToParent,
  ToWorker,
} from './messages.js';

/** The way from a worker to its parent. */
export class ParentLink implements MessagePort {
  readonly #process: WorkerSide;
  readonly #events: ParentEvents;
  readonly #onStore: ((body: unknown) => void)[] = [];

  constructor(self: WorkerSide, events: ParentEvents) {
    this.#process = self;
    this.#events = events;
    self.on('message', (message, connection) => this.#onMessage(message as ToWorker, connection as Socket | undefined));
    self.on('disconnect', () => events.onAlone());
    if (!self.connected) events.onAlone();
  }

  /** Asks to hold a place, or to hold it no more. */
  askPlace(message: HoldRequest | HoldRelease): void {
    this.#send(message);
  }

  /** It is ready to serve: from here on the parent speaks. */
  introduce(about: Introduction): void {
    this.#send({ kind: 'ready', about });
  }

  /** It ends; resolves when the parent can know. */
  leave(unfinished: number, metrics: unknown): Promise<void> {
    const message: ToParent = { kind: 'over', unfinished, metrics };
    return new Promise((resolve) => {
      if (!this.#process.connected) resolve();
      else this.#process.send?.(message, () => resolve());
    });
  }

  post(body: unknown): void {
    this.#send({ kind: 'store', body });
  }

  onMessage(listener: (body: unknown) => void): void {
    this.#onStore.push(listener);
  }

  #onMessage(message: ToWorker, connection: Socket | undefined): void {
    const events = this.#events;
    switch (message.kind) {
      case 'connection':
        // It may have been closed on the way.
        return this.#send({
          kind: 'taken',
          isTaken: connection === undefined || events.onConnection(connection, message.door),
        });
      case 'ping':
        return this.#send({ kind: 'pong', sessions: events.countSessions() });
      case 'ask':
        return void this.#answer(message.id, message.question);
      case 'never dial':
        return events.onListening({ address: message.address, port: message.port });
      case 'ticket keys':
        return events.onTicketKeys(Buffer.from(message.keys, 'base64'));
      case 'reload':
        return events.onReload();
      case 'retire':
        return events.onRetire(message.retire, message.drain);
      case 'stop':
        return events.onStop(message.drain);
      case 'hold answer':
      case 'hold lost':
        return events.onHoldNews(message);
      case 'store':
        for (const listener of this.#onStore) listener(message.body);
        return;
      default:
    }
  }

  async #answer(id: number, question: Question): Promise<void> {
    this.#send({ kind: 'answer', id, value: await this.#events.answer(question) });
  }

  #send(message: ToParent): void {
    if (this.#process.connected) this.#process.send?.(message);
  }
}

/** What a parent says to one of its workers. */
export interface ParentEvents {
  /** A connection that was accepted, of which nothing was read; false when it was closed, and somebody else is to have it. */
  onConnection(connection: Socket, door: Door): boolean;
  /** That live here. */
  countSessions(): number;
  answer(question: Question): unknown;
  onListening(where: { readonly address: string; readonly port: number }): void;
  onTicketKeys(keys: Buffer): void;
  onReload(): void;
  onRetire(retire: number, drain: number): void;
  onStop(drain: number): void;
  /** Of a place that it has asked to hold. */
  onHoldNews(news: HoldNews): void;
  /** The parent has ended, and nobody knows of this process any more. */
  onAlone(): void;
}

/** `process`, as far as it is needed for that. */
export type WorkerSide = Pick<NodeJS.Process, 'on' | 'connected' | 'send'>;
