import { find, setText } from '../dom.js';
import type { Detail as Exchange, Headers, Summary } from '../sightings.js';
import { ContentView } from './content-view.js';
import { tookText } from './list.js';
import { Messages } from './messages.js';

/** One exchange, with all that is kept of it. It is asked for again while it goes on. */
export class Detail {
  readonly #messages = new Messages();
  readonly #requestBody = new ContentView(find('request-body'), 'Request body');
  readonly #responseBody = new ContentView(find('response-body'), 'Response body');
  #id: number | undefined;
  #isAsking = false;
  #isStale = false;

  open(id: number | undefined): void {
    this.#id = id;
    find('detail').hidden = id === undefined;
    this.refresh();
  }

  /** If it is the one that is shown. */
  refreshIf(changed: readonly Summary[]): void {
    if (changed.some(({ id }) => id === this.#id)) this.refresh();
  }

  refresh(): void {
    if (this.#isAsking) this.#isStale = true;
    else if (this.#id !== undefined) void this.#ask(this.#id);
  }

  async #ask(id: number): Promise<void> {
    this.#isAsking = true;
    this.#isStale = false;
    try {
      const response = await fetch(`exchange?id=${id}&after=${this.#messages.lastOf(id)}`);
      const exchange = response.ok ? ((await response.json()) as Exchange) : undefined;
      if (exchange !== undefined && this.#id === id) this.#show(exchange);
    } catch {
      // The program has gone; what it told last stays.
    } finally {
      this.#isAsking = false;
    }
    if (this.#isStale) this.refresh();
  }

  #show(exchange: Exchange): void {
    setText(find('detail-title'), `${exchange.method} ${exchange.status ?? ''}`.trim());
    setText(find('detail-url'), exchange.url);
    showPairs('facts', factsOf(exchange));
    showPairs('request-headers', [...exchange.requestHeaders, ...exchange.requestTrailers]);
    const informations = exchange.informations.map(({ status, headers }) => [
      String(status),
      headers.map((pair) => pair.join(': ')).join('; '),
    ]) as unknown as Headers;
    showPairs('response-headers', [...informations, ...exchange.responseHeaders, ...exchange.responseTrailers]);
    this.#requestBody.show(exchange.requestBody);
    this.#responseBody.show(exchange.responseBody);
    showEvents(exchange);
    this.#messages.show(exchange);
  }
}

function factsOf(exchange: Exchange): Headers {
  const {
    host,
    port,
    secure,
    version,
    status,
    statusText,
    failure,
    sentMs,
    firstByteMs,
    lastedMs,
    headersLeft,
    scripted,
  } = exchange;
  const times = [
    ...(sentMs === undefined ? [] : [`sent after ${tookText(sentMs)}`]),
    ...(firstByteMs === undefined ? [] : [`answered after ${tookText(firstByteMs)}`]),
    ...(lastedMs === undefined ? ['not over yet'] : [`over after ${tookText(lastedMs)}`]),
  ];
  return [
    ['Destination', `${host}:${port}, ${secure ? 'TLS' : 'without TLS'}, HTTP/${version}`],
    ...(status === undefined ? [] : [['Answer', `${status} ${statusText ?? ''}`] as const]),
    ...(failure === undefined ? [] : [['Ended too soon', failure] as const]),
    ...(scripted === undefined ? [] : [['Changed by the script', scripted.join(', ')] as const]),
    ['Times', times.join(', ')],
    ...(headersLeft === 0 ? [] : [['Headers', `${headersLeft} more, which are not kept`] as const]),
  ];
}

function showPairs(id: string, pairs: Headers): void {
  const place = find(id);
  const now = JSON.stringify(pairs);
  // What is selected stays.
  if (place.dataset['shown'] === now) return;
  place.dataset['shown'] = now;
  place.replaceChildren(
    ...pairs.flatMap(([name, value]) => {
      const [term, text] = [document.createElement('dt'), document.createElement('dd')];
      term.textContent = name;
      text.textContent = value;
      return [term, text];
    }),
  );
}

function showEvents({ events }: Exchange): void {
  find('events-of-stream').hidden = events === undefined;
  setText(find('event-count'), `${events?.length ?? 0}`);
  const items = (events ?? []).slice(-MOST_EVENTS).map(({ event, data, id }) => {
    const item = document.createElement('li');
    item.textContent = `${id === undefined ? '' : `${id} `}${event}: ${data}`;
    return item;
  });
  find('stream-events').replaceChildren(...items.reverse());
}

const MOST_EVENTS = 500;
