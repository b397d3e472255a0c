import { addCell, find, type Row, Rows, setBreakableText, setText } from './dom.js';
import { hostOf } from './format.js';
import type { Listener } from './news.js';
import { listenerState, targetText } from './words.js';

/** The remote listeners, in the order in which they were asked for. */
export class Listeners {
  readonly #rows = new Rows<Listener>(
    find('listeners'),
    ({ id }) => id,
    () => new ListenerRow(),
  );

  show(listeners: readonly Listener[]): void {
    find('listeners-section').hidden = listeners.length === 0;
    const listening = listeners.filter(({ state }) => state === 'listening').length;
    const isAll = listening === listeners.length;
    setText(find('listener-count'), isAll ? `${listening}` : `${listening} of ${listeners.length} listen`);
    this.#rows.show(listeners);
  }
}

class ListenerRow implements Row<Listener> {
  readonly element: HTMLTableRowElement = document.createElement('tr');
  readonly #address = this.element.insertCell();
  readonly #target = addCell(this.element, 'text wide');
  readonly #state = addCell(this.element, 'text reason');
  readonly #server = addCell(this.element, 'text wide');
  readonly #now = addCell(this.element, '');
  readonly #soFar = addCell(this.element, 'minor wide');

  show(listener: Listener): void {
    const { listen, address, target, state, server, arrivals, arrivalsSoFar } = listener;
    setBreakableText(this.#address, address ?? listen);
    this.element.classList.toggle('dialling', state !== 'listening');
    setText(this.#target, targetText(target));
    setText(this.#state, listenerState(listener));
    setText(this.#server, server === undefined ? '' : hostOf(server));
    setText(this.#now, String(arrivals));
    setText(this.#soFar, String(arrivalsSoFar));
  }
}
