import type { Arrival, Carried, FailureCode, ListenKind, OpenHandler, Timer } from 'wsproxy-engine';
import type { PeerFlow } from 'wsproxy-node/accept/ports';
import { type RelaySocket, resetSocket } from 'wsproxy-node/sockets';
import { limitReached } from '../limits/guard.js';
import type { ListenerPlace } from '../limits/listener-place.js';
import type { Exclusive } from '../store/exclusive.js';
import { asFailure, bindPlace } from './bind-place.js';
import type { Claim } from './claim.js';
import type { ArrivalEvents, Arrivals, Held } from './held.js';
import type { ListenerService } from './listener-service.js';
import type { ListenPlace } from './rules/listen-place.js';
import { ServedArrival } from './served-arrival.js';
import { ServedPeer } from './served-peer.js';
import { WaitingArrivals } from './waiting-arrivals.js';

/**
 * One name of one user: what is held for it, the session that has it, and those that stand by. What is held outlives sessions,
 * so that a client that comes back finds its port. It is given up when nobody wants the name any more. Of several processes one has the
 * name at a time; in the others everybody stands by.
 */
export class ListenerEntry implements Arrivals {
  readonly userId: string;
  readonly key: string;
  readonly #service: ListenerService;
  readonly #room: ListenerPlace;
  readonly #onOver: () => void;
  /** The name, as this process has it among others; undefined where there are no others. */
  readonly #name: Exclusive | undefined;
  #owner: Claim | undefined;
  /** Those that stand by, anyone who has waited for longest first. */
  readonly #line: Claim[] = [];
  #held: Held | undefined;
  /** Where that is. */
  #place: ListenPlace | undefined;
  /** Until somebody who stands by has it, since its owner is away. */
  #handover: Timer | undefined;
  #isBinding = false;
  #isOver = false;
  readonly #waiting: WaitingArrivals;

  /** `room`: its place. `add` has to follow; `onOver` is called when nobody wants it any more. */
  constructor(service: ListenerService, { userId, key, room, onOver }: EntryOptions) {
    this.#service = service;
    this.userId = userId;
    this.key = key;
    this.#room = room;
    this.#name = service
      .exclusives()
      ?.want(`@listener/${key}`, { onHad: () => this.#giveToNext(), onLost: () => this.onLost() });
    this.#onOver = onOver;
    this.#waiting = new WaitingArrivals(service.guard);
  }

  /** Another session wants it: it has it from now on, or stands by. A session has one claim at most, the last one. */
  add(claim: Claim): void {
    const earlier = this.#line.find(({ session }) => session === claim.session);
    const mayHave = claim.listener.request.takesOver || claim.session === this.#owner?.session;
    const isFree = this.#owner === undefined && this.#line.length === 0;
    if (isFree || mayHave) this.#give(claim);
    else this.#standBy(claim);
    earlier?.end('TAKEN_OVER');
    claim.listener.onOver(() => this.#leave(claim));
    claim.onAway = () => {
      this.#awaitOwner();
      if (this.#owner === undefined) void this.#serve();
    };
    void this.#serve();
  }

  /** What is held is judged again, since the rules may be others, or a client may be back. */
  review(): void {
    const [owner, place] = [this.#owner, this.#place];
    if (owner !== undefined && place !== undefined && !this.#service.rights.allows(owner.session.user, place))
      this.end('DENIED');
    if (owner === undefined) void this.#serve();
  }

  /** A session is over, and leaves behind what its client has never heard of: what has come here goes to the one who has the listener now. */
  adopt(unsent: readonly Carried[]): void {
    const owner = this.#owner;
    if (owner?.isOpen === true) this.#waiting.adopt(unsent, owner);
  }

  /** It is over for all that want it. */
  end(code: FailureCode): void {
    for (const claim of this.#line.splice(0)) claim.end(code);
    this.#owner?.end(code);
  }

  get backlog(): number {
    return this.#owner?.backlogWithin(this.#service.guard.limits.listenBacklog) ?? 0;
  }

  get isServed(): boolean {
    return this.#owner !== undefined && this.#place !== undefined;
  }

  get isAttached(): boolean {
    return this.#owner?.session.session.attached === true;
  }

  get takesOver(): boolean {
    const [name, owner] = [this.#name, this.#owner];
    // While the store is away two processes may have it, and would take it from each other for ever.
    return (name?.isHad === true && !name.isUnsure) || owner?.listener.request.takesOver === true;
  }

  /** Another process has it from now on, or what was held: what has been sent to the client stays. */
  onLost(): void {
    const owner = this.#owner;
    this.#owner = undefined;
    this.#release(true);
    if (owner !== undefined && !owner.isOver) {
      this.#waiting.limitAnswers(owner);
      owner.log({}, 'remote listener taken over');
      owner.end('TAKEN_OVER');
    }
    void this.#serve();
  }

  beginVisit(): (() => void) | undefined {
    const user = this.#owner?.session.user;
    return user && this.#service.guard.beginVisit(user);
  }

  arrive(arrival: Arrival, socket: RelaySocket, events?: ArrivalEvents): void {
    const [claim, place, waiting] = [this.#owner, this.#place, this.#waiting];
    if (claim !== undefined && place !== undefined)
      return new ServedArrival(this.#service, { claim, place, arrival, socket, events, waiting }).begin();
    // Anyone who held it has been told, and this one was on its way.
    events?.onFail('CONNECTION_REFUSED');
    resetSocket(socket);
  }

  meet(arrival: Arrival, handler: OpenHandler): PeerFlow | undefined {
    const [claim, place] = [this.#owner, this.#place];
    if (claim === undefined || place === undefined) return undefined;
    const { guard } = this.#service;
    // Node cannot pause a socket of UDP: to close it is the only brake.
    const onFlood = (): void => guard.clock.defer(() => this.end('LIMIT_REACHED'));
    const { user } = claim.session;
    const peer = ServedPeer.begin(this.#service, { claim, place, arrival, onFlood }, handler);
    if (peer === undefined && !guard.bears(guard.accounts.of(user), user)) onFlood();
    return peer;
  }

  /** From here on the listener is that of `claim`, with what waits there. Nothing that is held is closed for it. */
  #give(claim: Claim | undefined): void {
    const before = this.#owner;
    this.#owner = claim;
    if (claim === undefined || before === undefined) return;
    this.#held?.onMoved?.();
    this.#openIfServed(claim);
    if (claim.isOpen) this.#waiting.move(before, claim);
    if (before.isOver) return;
    this.#waiting.limitAnswers(before);
    before.log({ by: claim.session.id }, 'remote listener taken over');
    before.end('TAKEN_OVER');
  }

  #openIfServed(claim: Claim): void {
    const [held, place] = [this.#held, this.#place];
    if (held === undefined || place === undefined || !claim.isServedBy(place)) return;
    claim.open(place, held.address);
  }

  /** Until anyone who has it listens, or nobody in this process may. */
  async #serve(): Promise<void> {
    if (this.#isBinding || this.#isOver) return;
    this.#isBinding = true;
    for (let owner = this.#owner; owner !== undefined && !owner.isOpen; owner = this.#owner) {
      if (this.#name?.isHad === false) {
        await this.#takeName(this.#name, owner);
        continue;
      }
      this.#openIfServed(owner);
      if (!owner.isOpen) await this.#bindFor(owner);
    }
    this.#isBinding = false;
    if (this.#owner !== undefined) return;
    if (this.#line.length === 0) return this.#giveUp();
    this.#release();
    // No process gives it up for those who are away as well.
    this.#name?.wait(this.#line.some(({ session }) => session.session.attached));
  }

  /** Where another process has it, and `claim` does not take it over, that stands by. */
  async #takeName(name: Exclusive, claim: Claim): Promise<void> {
    if ((await name.take(claim.listener.request.takesOver)) || claim !== this.#owner) return;
    this.#owner = undefined;
    this.#standBy(claim);
  }

  #standBy(claim: Claim): void {
    this.#line.push(claim);
    claim.log({}, 'remote listener stands by');
    this.#awaitOwner();
  }

  async #bindFor(claim: Claim): Promise<void> {
    this.#release();
    try {
      if (hasSocket(claim.listener.request.kind) && !this.#room.takeSocket()) throw limitReached('sockets');
      const held = await bindPlace(this.#service, claim, this);
      this.#held = held;
      this.#place = claim.wanted && { ...claim.wanted, port: held.address.port };
      // Nobody has judged it while it was bound.
      this.review();
    } catch (error) {
      this.#release();
      claim.refuse(asFailure(error));
      this.#leave(claim);
    }
  }

  /** It is over. */
  #leave(claim: Claim): void {
    const index = this.#line.indexOf(claim);
    if (index >= 0) this.#line.splice(index, 1);
    if (this.#owner === claim) this.#giveToNext();
    else if (this.#owner === undefined) void this.#serve();
  }

  /** To anyone who has stood by for longest, of those who are there if anybody is: others may never come back, and are kept for a while. */
  #giveToNext(): void {
    const present = this.#line.findIndex(({ session }) => session.session.attached);
    this.#give(this.#line.splice(Math.max(present, 0), 1)[0]);
    void this.#serve();
  }

  /** An owner who is away may be back in a moment; but nobody waits for its grace while somebody is there who would serve. */
  #awaitOwner(): void {
    const owner = this.#owner;
    this.#handover?.cancel();
    if (owner === undefined || owner.session.session.attached) return;
    if (this.#line.length === 0 && this.#name === undefined) return;
    this.#handover = this.#service.guard.clock.setTimer(() => void this.#handOver(owner), AWAY_TIME);
  }

  async #handOver(owner: Claim): Promise<void> {
    const isAway = (): boolean => owner === this.#owner && !owner.session.session.attached;
    if (!isAway()) return;
    if (this.#line.some(({ session }) => session.session.attached)) return this.#giveToNext();
    const isAwaited = (await this.#name?.isAwaited()) === true;
    if (!isAwaited || !isAway()) return this.#awaitOwner();
    // To those who stand by in another process.
    this.#release(true);
    this.end('TAKEN_OVER');
  }

  #giveUp(): void {
    this.#isOver = true;
    this.#handover?.cancel();
    this.#release();
    this.#name?.give();
    this.#room.leave();
    this.#onOver();
  }

  #release(isTakenOver = false): void {
    this.#held?.close(isTakenOver);
    this.#held = undefined;
    this.#place = undefined;
    this.#room.releaseSocket();
  }
}

interface EntryOptions {
  readonly userId: string;
  readonly key: string;
  /** What it has of the limits. */
  readonly room: ListenerPlace;
  /** Nobody wants it any more. */
  readonly onOver: () => void;
}

/** How long an owner may be away before somebody else has the listener who stands by, ms: longer than it takes to come back. */
const AWAY_TIME = 10_000;

function hasSocket(kind: ListenKind): boolean {
  return kind === 'tcp' || kind === 'udp' || kind === 'unix';
}
