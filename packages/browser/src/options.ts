import { MAX_PING_INTERVAL, MIN_PING_INTERVAL } from 'wsproxy-engine';

export interface ClientOptions {
  /** Of the server: `wss://host[:port]/path`, or a path at the server of the page, such as `/tunnel`. */
  readonly url: string | URL;
  /**
   * Gives a ticket, which lets the page in once: asked for every connection, also when the page comes back. An error with a `status` of
   * 401 or 403 says that the user may not come in: the client stops. After any other error it asks again. `signal` gives up after 10 s.
   */
  readonly ticket: (signal: AbortSignal) => Promise<string>;
  /** How long connections survive while the server cannot be reached, ms; the server may allow less. Default 3 600 000. */
  readonly grace?: number;
  /** Silence after which either end sends something, ms, 5 000 to 600 000. Default 15 000. */
  readonly heartbeat?: number;
}

/** What a connection leads to. The server resolves the name. */
export interface Destination {
  readonly host: string;
  /** 1 to 65 535. */
  readonly port: number;
}

/** @throws TypeError in one line for an option that cannot be used */
export function readOptions(given: ClientOptions): Settings {
  const { url, ticket, grace = LONGEST_GRACE, heartbeat, ...others } = given ?? {};
  const [unknown] = Object.keys(others);
  if (unknown !== undefined) throw new TypeError(`${unknown}: there is no such option`);
  if (typeof ticket !== 'function') throw new TypeError('ticket: expected a function that gives a ticket');
  checkNumber('grace', grace, 0, 2 ** 32 - 1);
  if (heartbeat !== undefined) checkNumber('heartbeat', heartbeat, MIN_PING_INTERVAL, MAX_PING_INTERVAL);
  return { url: readUrl(url), ticket, grace, heartbeat };
}

/** The same, judged, with the defaults. */
export interface Settings {
  readonly url: URL;
  readonly ticket: ClientOptions['ticket'];
  readonly grace: number;
  readonly heartbeat: number | undefined;
}

/** A page in the background may sleep for long: the server decides how long it keeps a session. */
const LONGEST_GRACE = 3_600_000;

function checkNumber(name: string, value: unknown, least: number, most: number): void {
  if (!Number.isInteger(value) || (value as number) < least || (value as number) > most)
    throw new TypeError(`${name}: expected a number of ms from ${least} to ${most}`);
}

function readUrl(given: string | URL): URL {
  const url = parse(given);
  if (url === undefined) throw new TypeError('url: expected wss://host/path, or a path at the server of the page');
  if (url.protocol === 'https:') url.protocol = 'wss:';
  if (url.protocol === 'http:') url.protocol = 'ws:';
  if (!/^wss?:$/.test(url.protocol)) throw new TypeError('url: expected wss://, or a path at the server of the page');
  // What `wsproxy-server init` prints for a client has a token behind `#`.
  if (url.username !== '' || url.password !== '' || url.hash !== '')
    throw new TypeError('url: a page comes in by tickets; leave out user, password, and what is behind #');
  url.hash = '';
  return url;
}

function parse(given: string | URL): URL | undefined {
  const base = globalThis.location?.href;
  if (given === undefined || !URL.canParse(String(given), base)) return undefined;
  return new URL(String(given), base);
}
