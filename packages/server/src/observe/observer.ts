import type { FailureCode } from 'wsproxy-engine';

/** Is told what happens in a server, as it happens, so its methods should be quick. What they throw is logged. */
export interface ServerObserver {
  onSession?(event: SessionEvent, session: ObservedSession): void;
  onChannelOpened?(channel: OpenedChannel): void;
  /** Also for a channel that was never opened, since its dial failed or was given up. */
  onChannelOver?(record: ChannelRecord): void;
  /** A client has answered a PING: how long that took, ms. */
  onRoundTrip?(time: number): void;
  /** A request was answered with this HTTP status instead of becoming a WebSocket. */
  onRefusedRequest?(status: number): void;
  /** A connection did not get through its TLS handshake: no TLS, too slow, or without a certificate that counts. */
  onFailedHandshake?(): void;
  /** A limit was hit; `limit` is the name of the option that sets it. */
  onLimit?(limit: string): void;
}

/** `detached`: its client is away; `resumed`: it has come back; `over`: for good. */
export type SessionEvent = 'began' | 'detached' | 'resumed' | 'over';

/** A session as an observer sees it. */
export interface ObservedSession {
  /** Id of the user it belongs to. */
  readonly user: string;
  /** The first 8 hexadecimal characters of its id, as in the log; no secret. */
  readonly id: string;
}

/** A channel whose target was dialled. */
export interface OpenedChannel {
  /** Id of the user who opened it. */
  readonly user: string;
  /** Id of the session it is in, as in the log, and its number there. */
  readonly session: string;
  readonly channel: number;
  /** `wsproxy-client doctor` examines the way by it, as far as the client can be believed. */
  readonly probe?: true;
  /** `host:port` as the application named it. */
  readonly target: string;
  /** The IP address that was connected to; undefined when none was, or a dialer of the embedding program knows. */
  readonly address: string | undefined;
  /** From the client's asking for it to that, ms: its turn, the lookup of its name, the dial; undefined if never dialled. */
  readonly dialMs: number | undefined;
}

/** What became of a channel. */
export interface ChannelRecord extends OpenedChannel {
  /** Whether the destination was reached. */
  readonly connected: boolean;
  /** Whether this server has refused it, by `outcome`: never if it was connected, nor if its client gave it up before. */
  readonly refused: boolean;
  /** `ok` when both directions have ended cleanly; otherwise how it failed or was reset. */
  readonly outcome: 'ok' | FailureCode;
  /** Payload bytes from the client to the destination. */
  readonly bytesUp: number;
  /** Payload bytes from the destination to the client. */
  readonly bytesDown: number;
  /** How often bytes for the client began to wait for a window. */
  readonly windowStalls: number;
  /** From the client's asking for it to its end, ms. */
  readonly durationMs: number;
}

/** Tells several observers as if they were one, and none of what another one throws. */
export class Observers implements Required<ServerObserver> {
  readonly #observers: ServerObserver[] = [];
  readonly #onError: (error: unknown) => void;

  constructor(onError: (error: unknown) => void) {
    this.#onError = onError;
  }

  add(observer: ServerObserver): void {
    this.#observers.push(observer);
  }

  onSession(...args: Parameters<Required<ServerObserver>['onSession']>): void {
    this.#tell((observer) => observer.onSession?.(...args));
  }

  onChannelOpened(channel: OpenedChannel): void {
    this.#tell((observer) => observer.onChannelOpened?.(channel));
  }

  onChannelOver(record: ChannelRecord): void {
    this.#tell((observer) => observer.onChannelOver?.(record));
  }

  onRoundTrip(time: number): void {
    this.#tell((observer) => observer.onRoundTrip?.(time));
  }

  onRefusedRequest(status: number): void {
    this.#tell((observer) => observer.onRefusedRequest?.(status));
  }

  onFailedHandshake(): void {
    this.#tell((observer) => observer.onFailedHandshake?.());
  }

  onLimit(limit: string): void {
    this.#tell((observer) => observer.onLimit?.(limit));
  }

  #tell(say: (observer: ServerObserver) => void): void {
    for (const observer of this.#observers) {
      try {
        say(observer);
      } catch (error) {
        this.#onError(error);
      }
    }
  }
}
