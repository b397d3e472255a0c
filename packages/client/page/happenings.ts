import { find, type Row, Rows, setText } from './dom.js';
import { formatClock } from './format.js';
import type { Look } from './look.js';
import type { TunnelEvent } from './news.js';
import { eventText } from './words.js';

/** What has happened to the tunnel, the last one first; what is older is folded. */
export class Happenings {
  readonly #look: Look;
  readonly #events = new Rows<TunnelEvent>(
    find('events'),
    ({ id }) => id,
    () => new EventRow(),
  );
  readonly #earlier = new Rows<TunnelEvent>(
    find('earlier'),
    ({ id }) => id,
    () => new EventRow(),
  );

  constructor(look: Look) {
    this.#look = look;
  }

  show(): void {
    const latest = [...this.#look.events].reverse();
    this.#events.show(latest.slice(0, SHOWN));
    this.#earlier.show(latest.slice(SHOWN));
    find('no-events').hidden = latest.length > 0;
    find('earlier-section').hidden = latest.length <= SHOWN;
  }
}

const SHOWN = 5;

class EventRow implements Row<TunnelEvent> {
  readonly element: HTMLLIElement = document.createElement('li');
  readonly #time = document.createElement('time');
  readonly #text = document.createElement('span');

  constructor() {
    this.element.append(this.#time, this.#text);
  }

  show(event: TunnelEvent): void {
    const now = Date.now();
    this.#time.dateTime = new Date(event.atMs).toISOString();
    setText(this.#time, formatClock(event.atMs, now));
    setText(this.#text, eventText(event, now));
  }
}
