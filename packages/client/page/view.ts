import { formatAge, formatBytes, formatRate, formatRoundTrip } from './format.js';
import type { Rates } from './rates.js';
import type { ShownChannel, Snapshot } from './snapshot.js';

const STATES: Readonly<Record<string, string>> = {
  idle: 'not started',
  connecting: 'connecting',
  draining: 'online, the server is about to restart',
  online: 'online',
  waiting: 'waiting to try again',
  closed: 'closed',
  away: 'wsproxy-client does not answer',
};

/** Shows a snapshot. Whatever it says is text, never markup. */
export class View {
  readonly #rows = new Map<number, ChannelRow>();

  show(snapshot: Snapshot, rates: Rates): void {
    const { server, roundTripMs, resumes, bytesDown, bytesUp } = snapshot;
    this.showState(snapshot.state);
    setText(find('server'), server);
    setText(find('round-trip'), formatRoundTrip(roundTripMs));
    setText(find('resumes'), String(resumes));
    setText(find('sum-down'), formatBytes(bytesDown));
    setText(find('sum-up'), formatBytes(bytesUp));
    const [down, up] = [rates.down.at(-1) ?? 0, rates.up.at(-1) ?? 0].map(formatRate);
    setText(find('rate-down'), down ?? '');
    setText(find('rate-up'), up ?? '');
    find('chart').setAttribute('aria-label', `Throughput of the last two minutes; now ${down} down, ${up} up`);
    this.#showChannels(snapshot);
    showProxy(snapshot.proxy);
  }

  showState(state: string): void {
    const words = STATES[state] ?? state;
    find('state').dataset['state'] = state;
    setText(find('state'), words);
    const title = `${words} – wsproxy-client`;
    if (document.title !== title) document.title = title;
  }

  #showChannels({ channels, channelCount }: Snapshot): void {
    const shown = new Set(channels.map(({ id }) => id));
    for (const id of this.#rows.keys()) if (!shown.has(id)) this.#rows.delete(id);
    const rows = channels.map((channel) => {
      const row = this.#rows.get(channel.id) ?? new ChannelRow();
      this.#rows.set(channel.id, row);
      row.show(channel);
      return row.element;
    });
    const body = find('channels');
    const isSame = rows.length === body.children.length && rows.every((row, i) => row === body.children[i]);
    if (!isSame) body.replaceChildren(...rows);
    setText(find('channel-count'), `(${channelCount})`);
    const more = channelCount - channels.length;
    setText(find('more-channels'), `and ${more} more, which have carried less`);
    find('more-channels').hidden = more === 0;
    find('no-channels').hidden = channelCount > 0;
  }
}

class ChannelRow {
  readonly element: HTMLTableRowElement = document.createElement('tr');
  readonly #target = this.element.insertCell();
  readonly #age = this.element.insertCell();
  readonly #down = this.element.insertCell();
  readonly #up = this.element.insertCell();

  show({ target, open, ageMs, bytesDown, bytesUp }: ShownChannel): void {
    setBreakableText(this.#target, open ? target : `${target} (dialling)`);
    setText(this.#age, formatAge(ageMs));
    setText(this.#down, formatBytes(bytesDown));
    setText(this.#up, formatBytes(bytesUp));
    this.element.classList.toggle('dialling', !open);
  }
}

function showProxy(proxy: string | undefined): void {
  find('use-section').hidden = proxy === undefined;
  setText(find('curl-line'), `curl -x socks5h://${proxy} https://example.com/`);
  const http = `http://${proxy}`;
  setText(find('proxy-settings'), `export http_proxy=${http} https_proxy=${http} all_proxy=socks5h://${proxy}`);
}

/** Leaves alone what says it already, so that a selection stays and nobody is told twice. */
function setText(element: HTMLElement, text: string): void {
  if (element.textContent !== text) element.textContent = text;
}

/** The same; where it is too long for a line, it breaks before a dot or colon. */
function setBreakableText(element: HTMLElement, text: string): void {
  if (element.textContent === text) return;
  const parts = text.split(/(?=[.:])/);
  element.replaceChildren(...parts.flatMap((part) => [document.createElement('wbr'), part]));
}

export function find(id: string): HTMLElement {
  const element = document.getElementById(id);
  if (element === null) throw new Error(`the page has no #${id}`);
  return element;
}
