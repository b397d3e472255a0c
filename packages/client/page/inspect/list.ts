import { addCell, find, type Row, Rows, setQuantity, setText } from '../dom.js';
import { formatBytes, formatClock } from '../format.js';
import type { PassedThrough, Summary } from '../sightings.js';
import { hasFailed, type Look, type Wish } from './look.js';

/** The list of requests, of which one may be chosen. */
export class List {
  readonly #look: Look;
  readonly #onChoose: (id: number) => void;
  readonly #rows: Rows<Summary>;
  readonly #passed = new Rows<readonly [number, PassedThrough]>(
    find('passed'),
    ([n]) => n,
    () => new PassedRow(),
  );
  #wish: Wish = { kind: 'all', search: '' };
  #chosen: number | undefined;

  constructor(look: Look, onChoose: (id: number) => void) {
    this.#look = look;
    this.#onChoose = onChoose;
    this.#rows = new Rows(
      find('exchanges'),
      ({ id }) => id,
      () => new ExchangeRow((id) => this.#onChoose(id)),
    );
    const buttons = [...document.querySelectorAll<HTMLButtonElement>('button[data-kind]')];
    for (const button of buttons) {
      button.addEventListener('click', () => {
        for (const other of buttons) other.setAttribute('aria-pressed', String(other === button));
        this.#want({ ...this.#wish, kind: button.dataset['kind'] ?? 'all' });
      });
    }
    const search = find('search') as HTMLInputElement;
    search.addEventListener('input', () => this.#want({ kind: this.#wish.kind, search: search.value }));
    find('search-contents').addEventListener('click', () => void this.#searchContents());
  }

  /** Undefined: none. */
  choose(id: number | undefined): void {
    this.#chosen = id;
    this.show();
  }

  show(): void {
    const wanted = this.#look.wanted(this.#wish);
    const all = this.#look.shown.size;
    this.#rows.show(wanted.slice(0, MOST));
    for (const row of find('exchanges').children) {
      row.setAttribute('aria-selected', String((row as HTMLElement).dataset['id'] === String(this.#chosen)));
    }
    const where = this.#wish.found === undefined ? '' : ', found in contents';
    setText(find('exchange-count'), wanted.length === all ? `${all}` : `${wanted.length} of ${all}${where}`);
    setText(find('no-exchanges'), all === 0 ? 'Nothing has passed yet.' : 'Nothing is like this.');
    find('no-exchanges').hidden = wanted.length > 0;
    setText(find('more-exchanges'), `and ${wanted.length - MOST} before these`);
    find('more-exchanges').hidden = wanted.length <= MOST;
    this.#showPassed();
  }

  async #searchContents(): Promise<void> {
    const wish = this.#wish;
    if (wish.search === '') return;
    find('search-contents').toggleAttribute('disabled', true);
    try {
      const response = await fetch(`search?text=${encodeURIComponent(wish.search)}`);
      const { ids } = (await response.json()) as { readonly ids: readonly number[] };
      // Something else may be wanted by now.
      if (this.#wish.search === wish.search) this.#want({ ...this.#wish, found: new Set(ids) });
    } catch {
      // The program has gone.
    } finally {
      find('search-contents').toggleAttribute('disabled', false);
    }
  }

  #want(wish: Wish): void {
    this.#wish = wish;
    this.show();
  }

  #showPassed(): void {
    const { passed } = this.#look;
    find('passed-section').hidden = passed.length === 0;
    this.#passed.show(passed.map((entry, n) => [n, entry] as const).reverse());
  }
}

/** A page with more rows answers slowly. */
const MOST = 300;

class ExchangeRow implements Row<Summary> {
  readonly element: HTMLTableRowElement = document.createElement('tr');
  readonly #url = document.createElement('button');
  readonly #method: HTMLElement;
  readonly #status: HTMLElement;
  readonly #type: HTMLElement;
  readonly #up: HTMLElement;
  readonly #down: HTMLElement;
  readonly #took: HTMLElement;
  readonly #time: HTMLElement;

  constructor(onChoose: (id: number) => void) {
    this.#url.type = 'button';
    this.element.insertCell().append(this.#url);
    this.#method = addCell(this.element, 'text');
    this.#status = addCell(this.element, 'text');
    this.#type = addCell(this.element, 'text wide');
    this.#up = addCell(this.element, 'minor wide');
    this.#down = addCell(this.element, 'minor');
    this.#took = addCell(this.element, 'minor');
    this.#time = addCell(this.element, 'minor wide');
    this.element.addEventListener('click', () => onChoose(Number(this.element.dataset['id'])));
  }

  show(exchange: Summary): void {
    const { id, url, method, mediaType, bytesUp, bytesDown, lastedMs, at } = exchange;
    this.element.dataset['id'] = String(id);
    this.element.classList.toggle('failed', hasFailed(exchange));
    setText(this.#url, url);
    setText(this.#method, method);
    setText(this.#status, statusText(exchange));
    setText(this.#type, typeText(exchange, mediaType));
    setQuantity(this.#up, formatBytes(bytesUp));
    setQuantity(this.#down, formatBytes(bytesDown));
    setText(this.#took, lastedMs === undefined ? '' : tookText(lastedMs));
    setText(this.#time, formatClock(at, Date.now()));
  }
}

function statusText(exchange: Summary): string {
  return exchange.scripted === undefined ? plainStatusText(exchange) : `${plainStatusText(exchange)}, script`;
}

function plainStatusText({ status, failure, lastedMs }: Summary): string {
  if (failure !== undefined) return status === undefined ? 'failed' : `${status}, cut off`;
  return status === undefined ? (lastedMs === undefined ? 'waits' : 'no answer') : String(status);
}

function typeText({ kind, messageCount }: Summary, mediaType: string): string {
  return kind === 'websocket' ? `WebSocket, ${messageCount} messages` : mediaType;
}

export function tookText(ms: number): string {
  return ms < 1_000 ? `${Math.max(0, Math.round(ms))} ms` : `${(ms / 1_000).toFixed(ms < 10_000 ? 2 : 1)} s`;
}

class PassedRow implements Row<readonly [number, PassedThrough]> {
  readonly element: HTMLLIElement = document.createElement('li');

  show([, { host, port, reason, at }]: readonly [number, PassedThrough]): void {
    setText(this.element, `${formatClock(at, Date.now())} ${host}:${port}: ${reason}`);
  }
}
