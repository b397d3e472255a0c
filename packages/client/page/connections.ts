import { addCell, find, type Row, Rows, setBreakableText, setQuantity, setText } from './dom.js';
import { formatBytes, formatClock, formatRate, formatTime } from './format.js';
import type { Look } from './look.js';
import type { Channel, EndedChannel } from './news.js';
import { FASTEST_FIRST, nextOrder, type Order, type SortKey, sortChannels } from './order.js';
import { count, endsText, kindText } from './words.js';

/** The connections: those that carry something, sorted; those that are idle, and those that have ended, folded. */
export class Connections {
  readonly #look: Look;
  readonly #active = new Rows<Channel>(find('channels'), idOf, () => new ActiveRow(this.#look));
  readonly #idle = new Rows<Channel>(find('idle'), idOf, () => new IdleRow(this.#look));
  readonly #ended = new Rows<EndedChannel>(find('ended'), idOf, () => new EndedRow());
  readonly #endedBefore = new Rows<EndedChannel>(find('ended-before'), idOf, () => new EndedRow());
  #order: Order = FASTEST_FIRST;

  constructor(look: Look) {
    this.#look = look;
    for (const button of document.querySelectorAll<HTMLButtonElement>('button[data-sort]')) {
      button.addEventListener('click', () => {
        this.#order = nextOrder(this.#order, button.dataset['sort'] as SortKey);
        this.#showOrder();
        this.show();
      });
    }
    find('idle-section').addEventListener('toggle', () => this.show());
    find('show-ended').addEventListener('click', () => {
      find('ended-before').hidden = !find('ended-before').hidden;
      this.show();
    });
    this.#showOrder();
  }

  show(): void {
    const { figures, channels } = this.#look;
    if (figures === undefined) return;
    const { channelCount, idleCount, flowCount } = figures;
    const active = [...channels.values()].filter(({ idle }) => !idle);
    const activeCount = channelCount - idleCount;
    this.#active.show(sortChannels(active, this.#order));
    setText(
      find('active-count'),
      `${activeCount} active${activeCount > active.length ? `, the fastest ${active.length} here` : ''}`,
    );
    find('active').hidden = active.length === 0;
    setText(find('no-channels'), noneActive(channelCount, flowCount));
    find('no-channels').hidden = active.length > 0;
    this.#showIdle(idleCount);
    this.#showEnded();
  }

  #showIdle(idleCount: number): void {
    find('idle-section').hidden = idleCount === 0;
    setText(find('idle-count'), `${count(idleCount, 'idle connection')}`);
    if (!find('idle-section').hasAttribute('open')) return;
    const idle = [...this.#look.channels.values()].filter((channel) => channel.idle);
    this.#idle.show(sortChannels(idle, { key: 'target', reversed: false }));
    const more = idleCount - idle.length;
    setText(find('more-channels'), `and ${more} more, which have carried less`);
    find('more-channels').hidden = more <= 0;
  }

  #showEnded(): void {
    const latest = [...this.#look.ended].reverse();
    find('ended-section').hidden = latest.length === 0;
    this.#ended.show(latest.slice(0, FEW));
    const isUnfolded = !find('ended-before').hidden;
    if (isUnfolded) this.#endedBefore.show(latest.slice(FEW));
    const button = find('show-ended');
    button.hidden = latest.length <= FEW;
    button.setAttribute('aria-expanded', String(isUnfolded));
    setText(button, isUnfolded ? 'Show fewer' : `Show ${latest.length - FEW} more`);
  }

  #showOrder(): void {
    const { key } = this.#order;
    for (const button of document.querySelectorAll<HTMLButtonElement>('button[data-sort]')) {
      const head = button.closest('th');
      if (button.dataset['sort'] !== key) head?.removeAttribute('aria-sort');
      else head?.setAttribute('aria-sort', isRising(this.#order) ? 'ascending' : 'descending');
    }
  }
}

/** Of those that have ended. */
const FEW = 8;

const idOf = ({ id }: { readonly id: number }): number => id;

/** Names begin with A, figures with the highest. */
function isRising({ key, reversed }: Order): boolean {
  return (key === 'target' || key === 'kind') !== reversed;
}

/** Why there is nothing to show. */
function noneActive(channelCount: number, flowCount: number): string {
  if (channelCount > 0) return 'Nothing moves now.';
  return flowCount > 0 ? 'None.' : 'None: nothing uses the tunnel now.';
}

class ActiveRow implements Row<Channel> {
  readonly element: HTMLTableRowElement = document.createElement('tr');
  readonly #look: Look;
  readonly #target = document.createElement('span');
  readonly #kind: HTMLElement;
  readonly #share = document.createElement('span');
  readonly #bar = document.createElement('span');
  readonly #down: HTMLElement;
  readonly #up: HTMLElement;
  readonly #total: HTMLElement;
  readonly #age: HTMLElement;

  constructor(look: Look) {
    this.#look = look;
    this.#share.className = 'hidden';
    this.#bar.className = 'bar';
    this.element.insertCell().append(this.#target);
    this.#kind = addCell(this.element, 'text wide');
    addCell(this.element, 'share wide').append(this.#share, this.#bar);
    this.#down = addCell(this.element, 'rate');
    this.#up = addCell(this.element, 'rate');
    this.#total = addCell(this.element, 'minor wide');
    this.#age = addCell(this.element, 'minor wide');
  }

  show(channel: Channel): void {
    const { kind, open, rateDown, rateUp, bytesDown, bytesUp, beganMs } = channel;
    const { figures } = this.#look;
    setBreakableText(this.#target, `${endsText(channel)}${open ? '' : ' (dialling)'}`);
    this.element.classList.toggle('dialling', !open);
    setText(this.#kind, kindText(kind));
    const age = (figures?.clockMs ?? beganMs) - beganMs;
    setQuantity(this.#down, formatRate(rateDown));
    setQuantity(this.#up, formatRate(rateUp));
    setQuantity(this.#total, formatBytes(bytesDown + bytesUp));
    setText(this.#age, formatTime(age));
    const total = (figures?.rateDown ?? 0) + (figures?.rateUp ?? 0);
    const share = total === 0 ? 0 : Math.min(1, (rateDown + rateUp) / total);
    setText(this.#share, `${Math.round(share * 100)} %`);
    this.#bar.style.width = `${(share * 100).toFixed(1)}%`;
  }
}

class IdleRow implements Row<Channel> {
  readonly element: HTMLTableRowElement = document.createElement('tr');
  readonly #look: Look;
  readonly #target = this.element.insertCell();
  readonly #kind = addCell(this.element, 'text wide');
  readonly #total = addCell(this.element, 'minor');
  readonly #age = addCell(this.element, 'minor');

  constructor(look: Look) {
    this.#look = look;
  }

  show(channel: Channel): void {
    const { kind, bytesDown, bytesUp, beganMs } = channel;
    setBreakableText(this.#target, endsText(channel));
    setText(this.#kind, kindText(kind));
    setQuantity(this.#total, formatBytes(bytesDown + bytesUp));
    setText(this.#age, formatTime((this.#look.figures?.clockMs ?? beganMs) - beganMs));
  }
}

class EndedRow implements Row<EndedChannel> {
  readonly element: HTMLTableRowElement = document.createElement('tr');
  readonly #target = this.element.insertCell();
  readonly #kind = addCell(this.element, 'text wide');
  readonly #how = addCell(this.element, 'text reason');
  readonly #total = addCell(this.element, 'minor');
  readonly #age = addCell(this.element, 'minor wide');
  readonly #time = addCell(this.element, 'minor');

  show(channel: EndedChannel): void {
    const { kind, reason, bytesDown, bytesUp, lastedMs, atMs } = channel;
    setBreakableText(this.#target, endsText(channel));
    setText(this.#kind, kindText(kind));
    setText(this.#how, reason ?? 'complete');
    setQuantity(this.#total, formatBytes(bytesDown + bytesUp));
    setText(this.#age, formatTime(lastedMs));
    setText(this.#time, formatClock(atMs, Date.now()));
  }
}
