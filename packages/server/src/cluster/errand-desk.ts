import {
  acceptTransport,
  type Clock,
  CloseCode,
  type FailureCode,
  type KeptSession,
  type OfferedChannel,
  Session,
  type SlabPool,
  type Transport,
  unknownSession,
} from 'wsproxy-engine';
import { ChannelStream } from 'wsproxy-node/relay';
import { type Errand, encodeRecord, errandOf, readRecord } from './errand.js';

/** Takes the errands that other processes send. */
export class ErrandDesk {
  readonly #options: ErrandDeskOptions;
  readonly #sessions = new Set<Session>();
  /** Those that bring news as long as there is somebody to tell. */
  readonly #endless = new WeakSet<Session>();
  /** Told when a session may have nothing to do any more. */
  readonly #onQuiet = new Set<() => void>();

  constructor(options: ErrandDeskOptions) {
    this.#options = options;
  }

  /** Another process has come to the inner door. */
  accept(transport: Transport): void {
    acceptTransport(
      transport,
      {
        create: ({ secret }) => this.#begin(secret),
        find: () => {
          throw unknownSession();
        },
        onResumed() {},
        onRejected() {},
      },
      this.#options.clock,
    );
  }

  /** Resolves when other processes have all of what they have asked for, but news; or after `time` ms, or when this is closed. */
  async settled(time: number): Promise<void> {
    if (this.#isQuiet) return;
    await new Promise<void>((resolve) => {
      const end = (): void => {
        timer.cancel();
        this.#onQuiet.delete(look);
        resolve();
      };
      const look = (): void => {
        if (this.#isQuiet) end();
      };
      const timer = this.#options.clock.setTimer(end, time);
      this.#onQuiet.add(look);
    });
  }

  close(): void {
    for (const session of [...this.#sessions]) session.leave('the server is stopping');
  }

  get #isQuiet(): boolean {
    return [...this.#sessions].every((session) => session.isIdle || this.#endless.has(session));
  }

  #look(): void {
    for (const look of this.#onQuiet) look();
  }

  #begin(secret: Uint8Array): KeptSession {
    const { clock, memory } = this.#options;
    const session: Session = new Session({
      ...{ role: 'server', clock, memory, maxChannels: MAX_ERRANDS },
      onChannel: (channel) => this.#take(session, channel),
      onDetached: ({ reason }) => session.close(reason, CloseCode.normal),
      onIdle: () => this.#look(),
      onClosed: () => {
        this.#sessions.delete(session);
        this.#look();
      },
    });
    this.#sessions.add(session);
    return { session, secret, attempt: 0, grace: 0 };
  }

  #take(session: Session, channel: OfferedChannel): void {
    readRecord(channel, (record, reader) => {
      const errand = record && errandOf(record);
      if (errand === undefined) return channel.refuse('UNSUPPORTED');
      if (errand.kind === 'sessions') {
        this.#endless.add(session);
        this.#look();
      }
      const gone = new AbortController();
      channel.onAbandoned(() => gone.abort());
      this.#options.serve({
        errand,
        signal: gone.signal,
        begin: (answer = {}) => {
          channel.accept();
          channel.write(encodeRecord(answer));
          const stream = new ChannelStream(channel, { allowHalfOpen: true });
          const { rest } = reader;
          if (rest.length > 0) stream.unshift(rest);
          return stream;
        },
        refuse: (code) => channel.refuse(code),
      });
    });
  }
}

/** Asked by another process: one of `begin` and `refuse` answers it. */
export interface AskedErrand {
  readonly errand: Errand;
  /** Nobody waits for it any more. */
  readonly signal: AbortSignal;
  /** It has begun: what it carries from here on. */
  begin(answer?: object): ChannelStream;
  refuse(code: FailureCode): void;
}

export interface ErrandDeskOptions {
  readonly clock: Clock;
  readonly memory: SlabPool;
  readonly serve: (asked: AskedErrand) => void;
}

/** Of one process at a time. */
const MAX_ERRANDS = 65_536;
