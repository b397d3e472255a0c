export function find(id: string): HTMLElement {
  const element = document.getElementById(id);
  if (element === null) throw new Error(`the page has no #${id}`);
  return element;
}

/** Leaves alone what says it already, so that a selection stays and nobody is told twice. */
export function setText(element: HTMLElement, text: string): void {
  if (element.textContent !== text) element.textContent = text;
}

/** The same; where it is too long for a line, it breaks before a dot or colon. */
export function setBreakableText(element: HTMLElement, text: string): void {
  if (element.textContent === text) return;
  const parts = text.split(/(?=[.:])/);
  element.replaceChildren(...parts.flatMap((part) => [document.createElement('wbr'), part]));
}

/** A number and its unit, which stand below each other in a column. */
export function setQuantity(element: HTMLElement, text: string): void {
  if (element.textContent === text) return;
  const [number = '', unit = ''] = text.split(' ');
  const after = document.createElement('span');
  after.className = 'unit';
  after.textContent = unit;
  element.replaceChildren(`${number} `, after);
}

export function addCell(row: HTMLTableRowElement, className: string): HTMLElement {
  const cell = row.insertCell();
  cell.className = className;
  return cell;
}

/** Elements that show a list, each made once for a key; in the order of the list. */
export class Rows<T> {
  readonly #place: HTMLElement;
  readonly #keyOf: (item: T) => number;
  readonly #make: () => Row<T>;
  readonly #rows = new Map<number, Row<T>>();

  constructor(place: HTMLElement, keyOf: (item: T) => number, make: () => Row<T>) {
    this.#place = place;
    this.#keyOf = keyOf;
    this.#make = make;
  }

  show(items: readonly T[]): void {
    const keys = new Set(items.map(this.#keyOf));
    for (const key of this.#rows.keys()) if (!keys.has(key)) this.#rows.delete(key);
    const elements = items.map((item) => this.#show(item));
    const { children } = this.#place;
    const isSame = elements.length === children.length && elements.every((element, i) => element === children[i]);
    if (!isSame) this.#place.replaceChildren(...elements);
  }

  #show(item: T): HTMLElement {
    const key = this.#keyOf(item);
    const row = this.#rows.get(key) ?? this.#make();
    this.#rows.set(key, row);
    row.show(item);
    return row.element;
  }
}

export interface Row<T> {
  readonly element: HTMLElement;
  show(item: T): void;
}
