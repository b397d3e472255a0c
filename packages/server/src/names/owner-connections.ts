import { TunnelError } from 'wsproxy-engine';
import { KeptConnections } from './kept-connections.js';
import type { NameLimits } from './name-limits.js';
import type { NameOwner } from './name-owner.js';
import { type StreamEnd, streamPair } from './stream-pair.js';
import { WaitingLine } from './waiting-line.js';

/** The connections by which the requests for the names of one owner reach its client. */
export class OwnerConnections {
  readonly #owner: NameOwner;
  /** Requests that are under way. */
  readonly #requests: WaitingLine;
  /** Connections that its client has not answered yet: more than it has room for would be refused. */
  readonly #opening: WaitingLine;
  readonly kept: KeptConnections;
  /** Requests that may be sent once more, and have no byte of an answer yet. */
  readonly unanswered: Set<Repeatable> = new Set();

  constructor(owner: NameOwner, limits: NameLimits) {
    const { requestsPerOwner, waitingPerOwner: length, waitTime: time } = limits;
    this.#owner = owner;
    this.#requests = new WaitingLine({ places: () => requestsPerOwner, length, time });
    this.#opening = new WaitingLine({ places: () => owner.backlog, length, time });
    this.kept = new KeptConnections(this.open, limits);
  }

  /** No request is to wait behind one for a client that may never come back. */
  get mayReuse(): boolean {
    return this.#owner.isAttached && this.#owner.isElsewhere !== true;
  }

  /** Whether one more request may be under way: then `endRequest` has to follow. */
  beginRequest(signal: AbortSignal): Promise<boolean> {
    return this.#requests.enter(signal);
  }

  endRequest(): void {
    this.#requests.leave();
  }

  /**
   * The owner has another client. Those who wait for the one before need not wait for the end of its session, which may have
   * been killed.
   */
  onMoved(): void {
    this.kept.drop();
    const unanswered = [...this.unanswered];
    // The other one may not be told yet.
    setImmediate(() => {
      for (const request of unanswered) request.sendAgain();
    });
  }

  /** A new connection for requests to `name`. It is destroyed with a TunnelError when its client does not take it. */
  readonly open = (name: string): StreamEnd => {
    const { near, far } = streamPair();
    const gone = new AbortController();
    near.once('close', () => gone.abort());
    // While nobody answers there is no line before the one of those who wait for an answer.
    const opening = this.#owner.isAttached ? this.#opening.enter(gone.signal) : this.#opening.tryEnter();
    void Promise.resolve(opening).then((hasPlace) => {
      if (hasPlace) this.#arrive(name, near, far);
      else near.destroy(new TunnelError('LIMIT_REACHED', 'too many connections wait for their client'));
    });
    return near;
  };

  #arrive(name: string, near: StreamEnd, far: StreamEnd): void {
    if (near.destroyed) return this.#opening.leave();
    let isAnswered = false;
    const answered = (): void => {
      if (!isAnswered) this.#opening.leave();
      isAnswered = true;
    };
    near.once('close', answered);
    // Node listens to a connection some turns after it was given it.
    setImmediate(() => {
      if (near.destroyed) return;
      // It is shared by requests of many: whom each is from stands in the request.
      const arrival = { peer: undefined, local: undefined, name };
      this.#owner.arrive(arrival, far, {
        onOpen: answered,
        onFail: (code) => near.destroy(new TunnelError(code)),
      });
    });
  }
}

/** A request that does no harm when it is sent twice. */
export interface Repeatable {
  /** Unless it has been answered meanwhile. */
  sendAgain(): void;
}
