import { Connections } from './connections.js';
import { find, type Row, Rows, setText } from './dom.js';
import { Flows } from './flows.js';
import { formatBytes, formatRate, formatTime, hostOf } from './format.js';
import { Happenings } from './happenings.js';
import { Listeners } from './listeners.js';
import type { Look } from './look.js';
import type { Figures, Server } from './news.js';
import { cause, details, headline, serverState } from './words.js';

/** Shows what is known. Anything that it says is text, never markup. */
export class View {
  readonly #look: Look;
  readonly #connections: Connections;
  readonly #flows: Flows;
  readonly #listeners = new Listeners();
  readonly #happenings: Happenings;
  readonly #servers: Rows<readonly [index: number, server: Server]>;

  constructor(look: Look) {
    this.#look = look;
    this.#connections = new Connections(look);
    this.#flows = new Flows(look);
    this.#happenings = new Happenings(look);
    const makeRow = (): ServerRow => new ServerRow(look);
    this.#servers = new Rows(find('servers'), ([index]) => index, makeRow);
  }

  show(): void {
    const { figures, proxy, inspects } = this.#look;
    if (figures === undefined) return;
    showState(figures.state, headline(figures, Date.now()), cause(figures), details(figures));
    showTraffic(figures);
    setText(find('program'), `${figures.version}, running for ${formatTime(figures.uptimeMs)}`);
    this.#servers.show(figures.servers.map((server, index) => [index, server] as const));
    find('servers-section').hidden = figures.servers.length < 2;
    this.#connections.show();
    this.#flows.show();
    this.#listeners.show(figures.listeners);
    this.#happenings.show();
    showProxy(proxy);
    showPages(inspects);
  }

  /** The program has gone; what it told last stays. */
  showAway(): void {
    showState('away', 'wsproxy-client does not answer', GONE, []);
  }
}

const GONE = 'This page shows what it said last, and tries again by itself.';

function showState(state: string, sentence: string, why: string, more: readonly string[]): void {
  find('state').dataset['state'] = state;
  setText(find('state'), sentence);
  setText(find('cause'), why);
  setText(find('details'), more.join(' · '));
  const title = `${sentence} – wsproxy-client`;
  if (document.title !== title) document.title = title;
}

function showTraffic({ rateDown, rateUp, bytesDown, bytesUp }: Figures): void {
  setText(find('rate-down'), formatRate(rateDown));
  setText(find('rate-up'), formatRate(rateUp));
  setText(find('sum-down'), formatBytes(bytesDown));
  setText(find('sum-up'), formatBytes(bytesUp));
}

class ServerRow implements Row<readonly [number, Server]> {
  readonly element: HTMLLIElement = document.createElement('li');
  readonly #look: Look;
  readonly #name = document.createElement('b');
  readonly #state = document.createElement('span');

  constructor(look: Look) {
    this.#look = look;
    this.element.append(this.#name, this.#state);
  }

  show([, server]: readonly [number, Server]): void {
    setText(this.#name, hostOf(server.server));
    this.element.title = server.server;
    setText(this.#state, serverState(server, this.#look.figures?.server ?? ''));
  }
}

/** There is one more where the client looks into what passes. */
function showPages(inspects: boolean): void {
  const place = find('pages');
  if (place.hasChildNodes() === inspects) return;
  const link = document.createElement('a');
  link.href = 'inspect/';
  link.textContent = 'Inspected traffic';
  place.replaceChildren(...(inspects ? [link] : []));
}

function showProxy(proxy: string | undefined): void {
  find('use-section').hidden = proxy === undefined;
  setText(find('curl-line'), `curl -x socks5h://${proxy} https://example.com/`);
  const http = `http://${proxy}`;
  setText(find('proxy-settings'), `export http_proxy=${http} https_proxy=${http} all_proxy=socks5h://${proxy}`);
}
