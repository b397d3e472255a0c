import type { Channel, News } from '../../page/news.js';
import type { Recorder } from './recorder.js';
import { figuresOf } from './snapshot.js';

/** What pages are told: once everything that they show, then after each look what is new. */
export class Feed {
  readonly #recorder: Recorder;
  /** How far the last news went. */
  #shown: ReadonlyMap<number, Channel> = new Map();
  #changes = 0;
  #seconds = 0;
  #tens = 0;

  constructor(recorder: Recorder) {
    this.#recorder = recorder;
  }

  /** For a page that knows nothing. */
  whole(proxy: string | undefined): News {
    const channels = [...this.#busiest().values()];
    const news = this.#news(channels, [], { changes: 0, seconds: 0, tens: 0 });
    return { ...news, whole: true, proxy };
  }

  /** Since it was called last. */
  next(): News {
    const { journal, history } = this.#recorder;
    const [before, now] = [this.#shown, this.#busiest()];
    const changed = [...now.values()].filter((channel) => !isSame(channel, before.get(channel.id)));
    const gone = [...before.keys()].filter((id) => !now.has(id));
    const since = { changes: this.#changes, seconds: this.#seconds, tens: this.#tens };
    this.#shown = now;
    this.#changes = journal.changes;
    this.#seconds = history.seconds.closed;
    this.#tens = history.tens.closed;
    return this.#news(changed, gone, since);
  }

  #news(
    channels: readonly Channel[],
    gone: readonly number[],
    since: { readonly changes: number; readonly seconds: number; readonly tens: number },
  ): News {
    const { history, journal, lookedAt, status } = this.#recorder;
    const [seconds, tens] = [history.seconds.newer(since.seconds), history.tens.newer(since.tens)];
    return {
      whole: false,
      figures: figuresOf(this.#recorder, status, lookedAt),
      channels,
      gone,
      ...journal.newer(since.changes),
      seconds,
      tens,
    };
  }

  /** The fastest, then those that have carried the most: no more of them than anybody reads. */
  #busiest(): Map<number, Channel> {
    const { lookedAt, rates, status } = this.#recorder;
    const ranked = status.channels.map((channel) => {
      const rate = rates.of(channel);
      const { id, bytesUp, bytesDown } = channel;
      return { channel, rate, id, speed: rate.rateUp + rate.rateDown, carried: bytesUp + bytesDown };
    });
    const first = pickFirst(ranked, MAX_CHANNELS, (a, b) => b.speed - a.speed || b.carried - a.carried || a.id - b.id);
    const shown = first.map(({ channel: { ageMs, ...channel }, rate, id }) => {
      const beganMs = this.#shown.get(id)?.beganMs ?? Math.round(lookedAt - ageMs);
      return [id, { ...channel, ...rate, beganMs }] as const;
    });
    return new Map(shown);
  }
}

const MAX_CHANNELS = 100;

/** As many as `most`, in their order; thousands of others cost one look each. */
function pickFirst<T>(items: readonly T[], most: number, compare: (a: T, b: T) => number): readonly T[] {
  const picked: T[] = [];
  for (const item of items) {
    const last = picked[most - 1];
    if (last !== undefined && compare(item, last) >= 0) continue;
    const at = picked.findIndex((other) => compare(item, other) < 0);
    picked.splice(at < 0 ? picked.length : at, 0, item);
    picked.length = Math.min(picked.length, most);
  }
  return picked;
}

function isSame(a: Channel, b: Channel | undefined): boolean {
  return b !== undefined && KEYS.every((key) => a[key] === b[key]);
}

/** Everything else stays as it is. */
const KEYS = ['open', 'idle', 'bytesUp', 'bytesDown', 'rateUp', 'rateDown'] as const;
