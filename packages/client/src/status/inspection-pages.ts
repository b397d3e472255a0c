import type { IncomingMessage, ServerResponse } from 'node:http';
import { systemClock } from 'wsproxy-engine';
import { checkViewers } from '../inspect/seen/check-viewers.js';
import { describe } from '../inspect/seen/describe.js';
import type { Exchanges } from '../inspect/seen/exchanges.js';
import type { Mask } from '../inspect/seen/mask.js';
import type { Inspected } from '../inspect/seen/seeing.js';
import { seenOf } from '../inspect/seen/seen.js';
import { InspectionFeed } from './inspection-feed.js';
import { InspectionLines } from './inspection-lines.js';
import { search } from './inspection-search.js';
import { Watchers } from './watchers.js';

/** What the status page serves of exchanges that were looked into. */
export class InspectionPages {
  readonly #exchanges: Exchanges;
  readonly #mask: Mask;
  readonly #tryAgain: () => void;
  readonly #feed: InspectionFeed;
  readonly #watchers = new Watchers();
  readonly #lines = new Set<ServerResponse>();
  #timer: NodeJS.Timeout | undefined;
  #news = '';
  #silentTicks = 0;
  #searches = 0;

  /** @throws TypeError when other machines can reach `listenHost` */
  constructor({ exchanges, mask, tryAgain }: Inspected, listenHost: string | undefined) {
    checkViewers(listenHost);
    this.#exchanges = exchanges;
    this.#mask = mask;
    this.#tryAgain = tryAgain;
    this.#feed = new InspectionFeed(exchanges, mask);
  }

  stop(): void {
    clearInterval(this.#timer);
    this.#timer = undefined;
    this.#feed.stop();
  }

  /** An answer that is a body at once; a status where there is none; undefined where it answers by itself. */
  async answer(url: URL, response: ServerResponse): Promise<Answer | number | undefined> {
    if (url.pathname === '/inspect/exchange') return this.#detail(url);
    if (url.pathname === '/inspect/search') return this.#search(url, response);
    if (url.pathname === '/inspect/events') return this.#watch(response);
    if (url.pathname === '/inspect.ndjson') return this.#sendLines(url, response);
    return 404;
  }

  changes(path: string): boolean {
    return CHANGES.has(path);
  }

  /** If the page itself asks for it, or a script: another page may lead here, and may not change anything. */
  change(path: string, { headers }: IncomingMessage): number {
    const site = headers['sec-fetch-site'];
    if (site === undefined ? headers.origin !== undefined : site !== 'same-origin') return 403;
    if (path === CLEAR) this.#exchanges.clear();
    else this.#exchanges.clearPassed();
    // What was told of it is gone.
    this.#tryAgain();
    return 204;
  }

  async #detail(url: URL): Promise<Answer | number> {
    const exchange = this.#exchanges.find(Number(url.searchParams.get('id')));
    if (exchange === undefined) return 404;
    const detail = await describe(seenOf(exchange), this.#mask, Number(url.searchParams.get('after') ?? 0));
    return { type: 'application/json', body: `${JSON.stringify(detail)}\n` };
  }

  async #search(url: URL, response: ServerResponse): Promise<Answer> {
    // One at a time: who asks for another does not wait for the first.
    const turn = ++this.#searches;
    const isWanted = (): boolean => turn === this.#searches && !response.destroyed;
    const text = url.searchParams.get('text') ?? '';
    const [exchanges, mask] = [this.#exchanges, this.#mask];
    const found = await search({ exchanges, mask, text, clock: systemClock, isWanted });
    return { type: 'application/json', body: `${JSON.stringify(found)}\n` };
  }

  #watch(response: ServerResponse): number | undefined {
    response.setHeader('Content-Type', 'text/event-stream');
    if (this.#timer === undefined) {
      this.#feed.start();
      this.#timer = setInterval(() => this.#tick(), TICK).unref();
    }
    const look = (isInStep: boolean): string => (isInStep ? this.#news : JSON.stringify(this.#feed.whole()));
    return this.#watchers.add(response, look) ? undefined : 503;
  }

  #tick(): void {
    if (this.#watchers.size === 0) return this.stop();
    const news = this.#feed.next();
    this.#silentTicks += 1;
    const isSilent = news.exchanges.length + news.gone.length === 0 && news.passed === undefined;
    // Those who were left out are told all, some time later.
    if (isSilent && this.#silentTicks < SILENT_TICKS) return;
    this.#silentTicks = 0;
    this.#news = JSON.stringify(news);
    this.#watchers.tellAll();
  }

  #sendLines(url: URL, response: ServerResponse): number | undefined {
    if (this.#lines.size >= MOST_READERS) return 503;
    this.#lines.add(response);
    response.once('close', () => this.#lines.delete(response));
    response.setHeader('Content-Type', 'application/x-ndjson');
    response.flushHeaders();
    const lines = new InspectionLines(this.#exchanges, this.#mask, response);
    if (url.searchParams.get('follow') === 'no') lines.end();
    return undefined;
  }
}

export interface Answer {
  readonly type: string;
  readonly body: string;
}

const CLEAR = '/inspect/clear';
/** All that may be posted. */
const CHANGES: ReadonlySet<string> = new Set([CLEAR, '/inspect/try-again']);
/** Between two looks, ms. */
const TICK = 250;
const SILENT_TICKS = 8;
/** Of lines, at a time. */
const MOST_READERS = 4;
