import type { Socket } from 'node:net';
import { TunnelError } from 'wsproxy-engine';
import { ignoreErrors } from 'wsproxy-node/sockets';
import type { Arrivals, Held, Hold, Holds } from '../listeners/held.js';
import { arriveFrom } from '../listeners/places-of-system.js';
import type { ListenPlace } from '../listeners/rules/listen-place.js';
import type { HoldNews, HoldRelease, HoldRequest } from './messages.js';

/** Takes ports and paths for the remote listeners of a worker by its parent, which keeps them when this process ends. */
export class PlacesOfParent {
  readonly holds: Holds;
  readonly #ask: (message: HoldRequest | HoldRelease) => void;
  readonly #bindUdp: Hold;
  /** From the request on, by number. */
  readonly #places = new Map<number, PlaceHere>();
  #count = 0;

  /** `bindUdp`: the parent only says whether this process may have the port. */
  constructor(ask: (message: HoldRequest | HoldRelease) => void, bindUdp: Hold) {
    this.#ask = ask;
    this.#bindUdp = bindUdp;
    const hold: Hold = async (place, arrivals) => {
      const held = await this.#hold(place, arrivals);
      if (held === undefined) throw new TunnelError('INTERNAL', 'the parent has not said where');
      return held;
    };
    this.holds = {
      ...{ tcp: hold, unix: hold, udp: hold },
      inherit: async (wanted, anyPort, arrivals) => {
        if (!OF_PARENT.has(wanted.kind)) return undefined;
        return this.#hold(wanted, arrivals, anyPort ? 'any port' : 'this port');
      },
    };
  }

  onNews(news: HoldNews): void {
    const place = this.#places.get(news.id);
    if (news.kind === 'hold answer') place?.onAnswer(news);
    else if (place !== undefined) {
      place.isLost = true;
      place.arrivals.onLost();
    }
  }

  /**
   * Somebody has come to what is held; false when this process has nobody for them: another one has it as of now, or the one who has
   * asked here has not heard the answer yet.
   */
  onConnection(socket: Socket, id: number): boolean {
    const place = this.#places.get(id);
    if (place?.arrivals.isServed === true) {
      arriveFrom(place.kind, place.arrivals, socket);
      return true;
    }
    // At once, so that it is not read: the parent has it still.
    ignoreErrors(socket);
    socket.destroy();
    return false;
  }

  async #hold(wanted: ListenPlace, arrivals: Arrivals, inherits?: HoldRequest['inherits']): Promise<Held | undefined> {
    const { key, takesOver, backlog } = arrivals;
    this.#count += 1;
    const id = this.#count;
    const answer = await new Promise<HoldAnswer>((onAnswer) => {
      this.#places.set(id, { kind: wanted.kind, arrivals, onAnswer, isLost: false });
      this.#ask({ kind: 'hold', id, key, place: wanted, inherits, takesOver, backlog });
    });
    const isLost = this.#places.get(id)?.isLost === true;
    if (answer.port === undefined || isLost) this.#places.delete(id);
    if (isLost) throw new TunnelError('TAKEN_OVER', 'another process of this server has it');
    if (answer.failure !== undefined) throw Object.assign(new Error(answer.failure.message), answer.failure);
    return answer.port === undefined ? undefined : this.#heldAt(id, { ...wanted, port: answer.port }, arrivals);
  }

  async #heldAt(id: number, place: ListenPlace, arrivals: Arrivals): Promise<Held> {
    const { kind, host, port } = place;
    if (kind !== 'udp') {
      return { address: { host, port }, close: (isTakenOver = false) => this.#release(id, isTakenOver) };
    }
    try {
      const bound = await this.#bindUdp(place, arrivals);
      const close = async (isTakenOver = false): Promise<void> => {
        await bound.close();
        this.#release(id, isTakenOver);
      };
      return { ...bound, close };
    } catch (error) {
      this.#release(id, false);
      throw error;
    }
  }

  #release(id: number, isTakenOver: boolean): void {
    if (this.#places.delete(id)) this.#ask({ kind: 'release', id, isTakenOver });
  }
}

/** Names are held by each process itself. */
const OF_PARENT: ReadonlySet<ListenPlace['kind']> = new Set(['tcp', 'unix', 'udp']);

type HoldAnswer = Extract<HoldNews, { kind: 'hold answer' }>;

/** A place that this process has, or has asked for. */
interface PlaceHere {
  readonly kind: ListenPlace['kind'];
  readonly arrivals: Arrivals;
  readonly onAnswer: (answer: HoldAnswer) => void;
  isLost: boolean;
}
