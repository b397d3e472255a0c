import type { Channel, EndedChannel, Figures, Flow, News, Point, TunnelEvent } from './news.js';

/** All that is known of the client: what was told at first, and what has changed since. */
export class Look {
  figures: Figures | undefined;
  proxy: string | undefined;
  inspects = false;
  readonly channels: Map<number, Channel> = new Map();
  readonly flows: Map<number, Flow> = new Map();
  /** Oldest first, these and what follows. */
  events: readonly TunnelEvent[] = [];
  ended: readonly EndedChannel[] = [];
  /** The last two minutes and the last hour. */
  seconds: readonly Point[] = [];
  tens: readonly Point[] = [];

  apply(news: News): void {
    if (news.whole) this.#forget();
    this.figures = news.figures;
    this.proxy = news.proxy ?? this.proxy;
    this.inspects = news.inspects ?? this.inspects;
    for (const id of news.gone) this.channels.delete(id);
    for (const channel of news.channels) this.channels.set(channel.id, channel);
    for (const id of news.goneFlows) this.flows.delete(id);
    for (const flow of news.flows) this.flows.set(flow.id, flow);
    this.events = merge(this.events, news.events, MAX_EVENTS);
    this.ended = merge(this.ended, news.ended, MAX_ENDED);
    this.seconds = [...this.seconds, ...news.seconds].slice(-SECONDS);
    this.tens = [...this.tens, ...news.tens].slice(-TENS);
  }

  #forget(): void {
    this.channels.clear();
    this.flows.clear();
    this.events = [];
    this.ended = [];
    this.seconds = [];
    this.tens = [];
  }
}

/** How much the client remembers. */
const MAX_EVENTS = 200;
const MAX_ENDED = 100;
export const SECONDS = 120;
export const TENS = 360;

/** What is told again stands where it stood. */
function merge<T extends { readonly id: number }>(known: readonly T[], news: readonly T[], most: number): readonly T[] {
  if (news.length === 0) return known;
  const byId = new Map([...known, ...news].map((one) => [one.id, one]));
  return [...byId.values()].slice(-most);
}
