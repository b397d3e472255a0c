import type { Duplex } from 'node:stream';
import type { AskedErrand } from './cluster/errand-desk.js';
import { formatRoute, type Route } from './cluster/route.js';
import type { ObservedSession, SessionEvent } from './observe/observer.js';

/** What processes tell each other of their sessions, as far as somebody follows it. */
export class SessionNews {
  readonly #options: SessionNewsOptions;
  readonly #followers: SessionFollower[] = [];
  /** Processes that tell this one, or are being asked to, by their routes. */
  readonly #told = new Set<string>();
  /** To other processes. */
  readonly #streams = new Set<Duplex>();

  constructor(options: SessionNewsOptions) {
    this.#options = options;
  }

  follow(follower: SessionFollower): void {
    this.#followers.push(follower);
  }

  /** These other processes are there. */
  onProcesses(others: readonly Route[]): void {
    if (this.#followers.length === 0) return;
    for (const route of others) if (!this.#told.has(formatRoute(route))) void this.#ask(route);
  }

  /** Another process follows the sessions here. */
  serve({ begin }: Pick<AskedErrand, 'begin'>): void {
    if (this.#streams.size === 0) this.#options.onFollowed();
    const stream = begin();
    this.#streams.add(stream);
    stream.on('error', () => {}).on('close', () => this.#streams.delete(stream));
    stream.on('end', () => stream.destroy()).resume();
  }

  /** Something has become of a session here. */
  tell(event: SessionEvent, { user, id }: ObservedSession): void {
    const line = `${JSON.stringify({ event, user, id })}\n`;
    for (const stream of this.#streams) {
      // Who is told no more asks again, and knows that something was missed.
      if (stream.writableLength > MOST_WAITING) stream.destroy(new Error('it does not read'));
      else stream.write(line);
    }
  }

  async #ask(route: Route): Promise<void> {
    const key = formatRoute(route);
    this.#told.add(key);
    try {
      const stream = await this.#options.ask(route);
      this.#onMissed();
      await this.#read(stream);
      this.#onMissed();
    } catch {
      // It is asked again as long as the store knows it.
    }
    this.#told.delete(key);
  }

  #onMissed(): void {
    for (const follower of this.#followers) follower.onMissed();
  }

  async #read(stream: Duplex): Promise<void> {
    let rest = '';
    stream.on('error', () => {}).on('end', () => stream.destroy());
    stream.setEncoding('utf8').on('data', (text: string) => {
      const lines = (rest + text).split('\n');
      rest = lines.pop() ?? '';
      for (const line of lines) if (!this.#take(line)) stream.destroy();
    });
    await new Promise((resolve) => stream.once('close', resolve));
  }

  /** False for what is no news. */
  #take(line: string): boolean {
    const news = newsIn(line);
    if (news === undefined) return false;
    for (const follower of this.#followers) follower.onSession(news.event, { user: news.user, id: news.id });
    this.#options.onChange(news.user);
    return true;
  }
}

/** Is told of sessions in other processes. */
export interface SessionFollower {
  onSession(event: SessionEvent, session: ObservedSession): void;
  /** Something may have become of any of them that was not told. */
  onMissed(): void;
}

export interface SessionNewsOptions {
  /** Asks another process for its news. */
  readonly ask: (route: Route) => Promise<Duplex>;
  /** From now on another process follows what `tell` is told. */
  readonly onFollowed: () => void;
  /** Something has become of a session of `user` elsewhere. */
  readonly onChange: (user: string) => void;
}

/** Bytes, for a process that does not read. */
const MOST_WAITING = 1_048_576;

function newsIn(line: string): { event: SessionEvent; user: string; id: string } | undefined {
  try {
    const { event, user, id } = JSON.parse(line);
    const isNews = EVENTS.has(event) && typeof user === 'string' && typeof id === 'string';
    return isNews ? { event, user, id } : undefined;
  } catch {
    return undefined;
  }
}

const EVENTS: ReadonlySet<SessionEvent> = new Set<SessionEvent>(['began', 'detached', 'resumed', 'over']);
