import type { FailureCode } from 'wsproxy-engine';
import type { Drops } from './all-drops.js';

/** Is told what happens in a server, as it happens, so its methods should be quick. What they throw is logged. */
export interface ServerObserver {
  onSession?(event: SessionEvent, session: ObservedSession): void;
  onChannelOpened?(channel: OpenedChannel): void;
  /** Also for a channel that was never opened, since its dial failed or was given up. */
  onChannelOver?(record: ChannelRecord): void;
  /** Datagrams may pass. */
  onFlowOpened?(flow: OpenedFlow): void;
  /** Also for a flow that was never open, since it was refused or given up. */
  onFlowOver?(record: FlowRecord): void;
  /** A client is reached by it from now on. */
  onListenerOpened?(listener: OpenedListener): void;
  /** Also for one that never listened, since it was refused or given up. */
  onListenerOver?(record: ListenerRecord): void;
  /** A client has taken a connection that came to one of its remote listeners, or a call. */
  onArrivalOpened?(arrival: OpenedArrival): void;
  /** Also for one that no client has taken, or for which there was no room. */
  onArrivalOver?(record: ArrivalRecord): void;
  /** A client has answered a PING: how long that took, ms. */
  onRoundTrip?(time: number): void;
  /** A request was answered with this HTTP status instead of becoming a WebSocket. */
  onRefusedRequest?(status: number): void;
  /** A connection did not get through its TLS handshake: no TLS, too slow, or without a certificate that counts. */
  onFailedHandshake?(): void;
  /** A request belonged to another process of the cluster: what became of it. */
  onHandOn?(outcome: HandOnOutcome): void;
  /** A limit was hit; `limit` is the name of the option that sets it. */
  onLimit?(limit: string): void;
}

/** `detached`: its client is away; `resumed`: it has come back; `over`: for good. */
export type SessionEvent = 'began' | 'detached' | 'resumed' | 'over';

/**
 * `passed`: the process that has the session has taken it. `refused`: that process has refused it. `gone`: there is no such
 * process any more, so it was answered here. `unanswered`: there may be one, so the client comes back for it. `left`: the client
 * did not wait.
 */
export type HandOnOutcome = (typeof HAND_ON_OUTCOMES)[number];

export const HAND_ON_OUTCOMES = ['passed', 'refused', 'gone', 'unanswered', 'left'] as const;

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

/** Where the server listens for a client. */
export interface OpenedListener {
  /** Id of the user whose client has asked for it. */
  readonly user: string;
  /** Id of the session that has it, as in the log. */
  readonly session: string;
  /** As a rule for listening has it: `127.0.0.1:8000`, `unix:/run/wsproxy/app`, `http:app.example.org`. */
  readonly listener: string;
  /** What the client calls it. */
  readonly name: string;
}

/** What became of it. */
export interface ListenerRecord extends OpenedListener {
  /** Whether this server has refused it, by `outcome`. */
  readonly refused: boolean;
  /** `ok` when its client has ended it; `TAKEN_OVER` when another client of the user has it now; otherwise how it failed. */
  readonly outcome: 'ok' | FailureCode;
  /** Connections that have come to it. */
  readonly arrivals: number;
  /** From the client's asking for it to its end, ms. */
  readonly durationMs: number;
}

/** A connection that came to a remote listener, or a call (`Server.open`), and was taken by the client. */
export interface OpenedArrival {
  /** Id of the user whose listener it is. */
  readonly user: string;
  /** Id of the session that has it, as in the log, and the number of its channel there, unless there was no room for one. */
  readonly session: string;
  readonly channel: number | undefined;
  /** Where it came in, as a rule for listening has it: `127.0.0.1:8000`, `http:app.example.org`; of a call `call:` and the service. */
  readonly listener: string;
  /** `address:port` of the one who has connected; undefined where there is none, as with a Unix socket. */
  readonly peer: string | undefined;
  /** From its coming to the client's answer, ms: its dial, and what the client was away; undefined without one. */
  readonly answerMs: number | undefined;
}

/** What became of it. */
export interface ArrivalRecord extends OpenedArrival {
  /** Whether its client has taken it. */
  readonly answered: boolean;
  /** `ok` when both directions have ended cleanly; otherwise how it failed or was reset. */
  readonly outcome: 'ok' | FailureCode;
  /** Payload bytes from the client to the one who has connected. */
  readonly bytesUp: number;
  /** Payload bytes from the one who has connected to the client. */
  readonly bytesDown: number;
  /** How often bytes for the client began to wait for a window. */
  readonly windowStalls: number;
  /** From its coming to its end, ms. */
  readonly durationMs: number;
}

/** A flow of datagrams that was accepted. */
export interface OpenedFlow {
  /** Id of the user who opened it. */
  readonly user: string;
  /** Id of the session it is in, as in the log, and its number there. */
  readonly session: string;
  readonly flow: number;
  /** `wsproxy-client doctor` has asked for it, and sent nothing, as far as the client can be believed. */
  readonly probe?: true;
  /** The remote listener that its one peer has sent to, as a rule for listening has it: `127.0.0.1:53/udp`. */
  readonly listener?: string;
  /** `host:port` of its one peer, as the application named it; undefined for a flow whose datagrams name their own. */
  readonly target: string | undefined;
  /** The IP address of that peer, once known. */
  readonly address: string | undefined;
}

/** What a flow has carried. */
export interface FlowSums {
  /** Datagrams from the client to destinations, and bytes of them. */
  readonly datagramsUp: number;
  readonly bytesUp: number;
  /** From destinations to the client. */
  readonly datagramsDown: number;
  readonly bytesDown: number;
  /** How many destinations it has begun to send to. */
  readonly destinations: number;
  /** Datagrams that went no further, by the reason (docs/limits.md). */
  readonly dropped: Drops;
}

/** What became of a flow. */
export interface FlowRecord extends OpenedFlow, FlowSums {
  /** Whether this server has refused it, by `outcome`. */
  readonly refused: boolean;
  /** `ok` when its client has ended it; `TIMED_OUT` after a silence; otherwise how it failed. */
  readonly outcome: 'ok' | FailureCode;
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

  onFlowOpened(flow: OpenedFlow): void {
    this.#tell((observer) => observer.onFlowOpened?.(flow));
  }

  onFlowOver(record: FlowRecord): void {
    this.#tell((observer) => observer.onFlowOver?.(record));
  }

  onListenerOpened(listener: OpenedListener): void {
    this.#tell((observer) => observer.onListenerOpened?.(listener));
  }

  onListenerOver(record: ListenerRecord): void {
    this.#tell((observer) => observer.onListenerOver?.(record));
  }

  onArrivalOpened(arrival: OpenedArrival): void {
    this.#tell((observer) => observer.onArrivalOpened?.(arrival));
  }

  onArrivalOver(record: ArrivalRecord): void {
    this.#tell((observer) => observer.onArrivalOver?.(record));
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

  onHandOn(outcome: HandOnOutcome): void {
    this.#tell((observer) => observer.onHandOn?.(outcome));
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
