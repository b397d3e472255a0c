import { formatBytes } from '../format.js';
import { type View, viewsOf } from './content.js';

/** Shows a body or a message in the way that is chosen: as JSON, text or bytes. Always as text, never as what it is. */
export class ContentView {
  readonly #place: HTMLElement;
  readonly #title: string;
  #chosen: View['name'] | undefined;
  #shown: string | undefined;

  constructor(place: HTMLElement, title: string) {
    this.#place = place;
    this.#title = title;
    place.className = 'content';
  }

  show(content: Content): void {
    const now = JSON.stringify([content, this.#chosen]);
    // What is selected stays.
    if (now === this.#shown) return;
    this.#shown = now;
    const views = viewsOf(content);
    this.#place.hidden = views.length === 0 && content.note === undefined;
    const view = views.find(({ name }) => name === this.#chosen) ?? views[0];
    const pre = document.createElement('pre');
    pre.textContent = view?.show() ?? '';
    pre.hidden = view === undefined;
    this.#place.replaceChildren(this.#headOf(content, views, view), ...noteOf(content), pre);
  }

  #headOf(content: Content, views: readonly View[], shown: View | undefined): HTMLElement {
    const head = document.createElement('div');
    head.className = 'heading';
    const title = document.createElement('h3');
    title.textContent = content.bytes === undefined ? this.#title : `${this.#title}, ${formatBytes(content.bytes)}`;
    const choice = document.createElement('fieldset');
    choice.className = 'choice';
    choice.setAttribute('aria-label', `${this.#title} shown as`);
    choice.append(...views.map((view) => this.#buttonOf(content, view, view === shown)));
    head.append(title, choice);
    return head;
  }

  #buttonOf(content: Content, { name }: View, isPressed: boolean): HTMLElement {
    const button = document.createElement('button');
    button.type = 'button';
    button.textContent = name;
    button.setAttribute('aria-pressed', String(isPressed));
    button.addEventListener('click', () => {
      this.#chosen = name;
      this.show(content);
    });
    return button;
  }
}

export interface Content {
  readonly bytes?: number;
  readonly text?: string;
  readonly base64?: string;
  readonly note?: string;
}

function noteOf({ note }: Content): readonly HTMLElement[] {
  if (note === undefined) return [];
  const line = document.createElement('p');
  line.className = 'note';
  line.textContent = note;
  return [line];
}
