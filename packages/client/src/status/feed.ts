import type { News } from '../../page/news.js';
import type { ChannelStatus, FlowStatus } from '../tunnel/client-status.js';
import { Busiest, type LookAt } from './busiest.js';
import type { Recorder } from './recorder.js';
import { figuresOf } from './snapshot.js';

/** What pages are told: once everything that they show, then after each look what is new. */
export class Feed {
  readonly #recorder: Recorder;
  readonly #channels = new Busiest<ChannelStatus>();
  readonly #flows = new Busiest<FlowStatus>();
  /** How far the last news went. */
  #changes = 0;
  #seconds = 0;
  #tens = 0;

  constructor(recorder: Recorder) {
    this.#recorder = recorder;
  }

  /** For a page that knows nothing. */
  whole(proxy: string | undefined): News {
    return {
      ...this.#newsSince({ changes: 0, seconds: 0, tens: 0 }),
      whole: true,
      proxy,
      channels: this.#channels.whole(this.#lookAtChannels()),
      gone: [],
      flows: this.#flows.whole(this.#lookAtFlows()),
      goneFlows: [],
    };
  }

  /** Since it was called last. */
  next(): News {
    const { journal, history } = this.#recorder;
    const [channels, flows] = [this.#channels.next(this.#lookAtChannels()), this.#flows.next(this.#lookAtFlows())];
    const since = { changes: this.#changes, seconds: this.#seconds, tens: this.#tens };
    this.#changes = journal.changes;
    this.#seconds = history.seconds.closed;
    this.#tens = history.tens.closed;
    return {
      ...this.#newsSince(since),
      whole: false,
      channels: channels.changed,
      gone: channels.gone,
      flows: flows.changed,
      goneFlows: flows.gone,
    };
  }

  #newsSince(since: {
    readonly changes: number;
    readonly seconds: number;
    readonly tens: number;
  }): Pick<News, 'figures' | 'events' | 'ended' | 'seconds' | 'tens'> {
    const { history, journal, lookedAt, status } = this.#recorder;
    return {
      figures: figuresOf(this.#recorder, status, lookedAt),
      ...journal.newer(since.changes),
      seconds: history.seconds.newer(since.seconds),
      tens: history.tens.newer(since.tens),
    };
  }

  #lookAtChannels(): LookAt<ChannelStatus> {
    const { status, rates, lookedAt } = this.#recorder;
    return { items: status.channels, rates, lookedAt };
  }

  #lookAtFlows(): LookAt<FlowStatus> {
    const { status, flowRates, lookedAt } = this.#recorder;
    return { items: status.flows, rates: flowRates, lookedAt };
  }
}
