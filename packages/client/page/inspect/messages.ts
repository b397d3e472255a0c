import { addCell, find, type Row, Rows, setQuantity, setText } from '../dom.js';
import { formatBytes, formatClock } from '../format.js';
import type { Detail, Message } from '../sightings.js';
import { type Content, ContentView } from './content-view.js';

/** The messages of a WebSocket, of which one may be chosen. */
export class Messages {
  readonly #content = new ContentView(find('message-content'), 'Message');
  readonly #rows = new Rows<Message>(
    find('messages'),
    ({ number }) => number,
    () => new MessageRow((message) => this.#choose(message)),
  );
  #messages: readonly Message[] = [];
  #exchange: number | undefined;
  #chosen: number | undefined;

  /** The number of the last one that is here of that exchange. */
  lastOf(exchange: number): number {
    return this.#exchange === exchange ? (this.#messages.at(-1)?.number ?? 0) : 0;
  }

  /** With the messages that are new. */
  show({ id, messages, messageCount, messageProblem }: Detail): void {
    find('messages-section').hidden = messages === undefined;
    if (this.#exchange !== id) {
      this.#messages = [];
      this.#chosen = undefined;
      this.#content.show({});
    }
    this.#exchange = id;
    const last = this.lastOf(id);
    const news = (messages ?? []).filter(({ number }) => number > last);
    this.#messages = [...this.#messages, ...news].slice(-MOST);
    const left = messageCount - this.#messages.length;
    const problem = messageProblem === undefined ? '' : `; no more can be read: ${messageProblem}`;
    setText(
      find('message-count'),
      `${messageCount}${left > 0 ? `, the last ${this.#messages.length} here` : ''}${problem}`,
    );
    this.#showRows();
  }

  #choose(message: Message): void {
    this.#chosen = message.number;
    this.#content.show(message);
    this.#showRows();
  }

  #showRows(): void {
    this.#rows.show([...this.#messages].reverse());
    for (const row of find('messages').children) {
      row.setAttribute('aria-selected', String((row as HTMLElement).dataset['number'] === String(this.#chosen)));
    }
  }
}

/** As many as are kept. */
const MOST = 1_000;
const FIRST_WORDS = 200;

class MessageRow implements Row<Message> {
  readonly element: HTMLTableRowElement = document.createElement('tr');
  readonly #text = document.createElement('button');
  readonly #direction: HTMLElement;
  readonly #kind: HTMLElement;
  readonly #size: HTMLElement;
  readonly #time: HTMLElement;
  #message: Message | undefined;

  constructor(onChoose: (message: Message) => void) {
    this.#text.type = 'button';
    this.element.insertCell().append(this.#text);
    this.#direction = addCell(this.element, '');
    this.#kind = addCell(this.element, 'text');
    this.#size = addCell(this.element, 'minor');
    this.#time = addCell(this.element, 'minor');
    this.element.addEventListener('click', () => this.#message && onChoose(this.#message));
  }

  show(message: Message): void {
    if (this.#message === message) return;
    this.#message = message;
    const { number, direction, opcode, bytes, wireBytes, at } = message;
    this.element.dataset['number'] = String(number);
    setText(this.#text, beginningOf(message));
    this.#direction.className = `text ${direction}`;
    setText(this.#direction, direction === 'up' ? '↑ up' : '↓ down');
    setText(this.#kind, KINDS[opcode] ?? String(opcode));
    setQuantity(this.#size, formatBytes(bytes ?? wireBytes));
    setText(this.#time, formatClock(at, Date.now()));
  }
}

/** RFC 6455 section 5.2. */
const KINDS: Readonly<Record<number, string>> = { 1: 'text', 2: 'binary', 8: 'close', 9: 'ping', 10: 'pong' };

function beginningOf({ text, base64, note }: Content): string {
  if (text !== undefined) return text.slice(0, FIRST_WORDS);
  return base64 === undefined ? (note ?? '(empty)') : '(binary)';
}
