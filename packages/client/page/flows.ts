import { addCell, find, type Row, Rows, setBreakableText, setQuantity, setText } from './dom.js';
import { formatRate, formatTime } from './format.js';
import type { Look } from './look.js';
import type { Flow } from './news.js';
import { count, endsText, kindText } from './words.js';

/** The flows of datagrams, the fastest first. */
export class Flows {
  readonly #look: Look;
  readonly #rows: Rows<Flow>;

  constructor(look: Look) {
    this.#look = look;
    this.#rows = new Rows<Flow>(
      find('flows'),
      ({ id }) => id,
      () => new FlowRow(look),
    );
  }

  show(): void {
    const { figures, flows } = this.#look;
    if (figures === undefined) return;
    find('flows-section').hidden = figures.flowCount === 0;
    const more = figures.flowCount - flows.size;
    setText(
      find('flow-count'),
      `${count(figures.flowCount, 'flow')}${more > 0 ? `, the busiest ${flows.size} here` : ''}`,
    );
    this.#rows.show([...flows.values()].sort((a, b) => speed(b) - speed(a) || a.id - b.id));
  }
}

function speed({ rateDown, rateUp }: Flow): number {
  return rateDown + rateUp;
}

class FlowRow implements Row<Flow> {
  readonly element: HTMLTableRowElement = document.createElement('tr');
  readonly #look: Look;
  readonly #target = this.element.insertCell();
  readonly #kind = addCell(this.element, 'text wide');
  readonly #down = addCell(this.element, 'rate');
  readonly #up = addCell(this.element, 'rate');
  readonly #datagrams = addCell(this.element, 'minor wide');
  readonly #dropped = addCell(this.element, 'minor wide');
  readonly #age = addCell(this.element, 'minor wide');

  constructor(look: Look) {
    this.#look = look;
  }

  show(flow: Flow): void {
    const { kind, open, rateDown, rateUp, datagramsDown, datagramsUp, datagramsDropped, beganMs } = flow;
    setBreakableText(this.#target, `${endsText(flow)}${open ? '' : ' (opening)'}`);
    this.element.classList.toggle('dialling', !open);
    setText(this.#kind, kindText(kind));
    setQuantity(this.#down, formatRate(rateDown));
    setQuantity(this.#up, formatRate(rateUp));
    setText(this.#datagrams, String(datagramsDown + datagramsUp));
    setText(this.#dropped, String(datagramsDropped));
    setText(this.#age, formatTime((this.#look.figures?.clockMs ?? beganMs) - beganMs));
  }
}
