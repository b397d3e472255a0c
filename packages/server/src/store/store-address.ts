import { OptionError } from 'wsproxy-node/options';

/**
 * `redis[s]://[[user]:password@]host[:port][/database][?cluster=NAME]`, or `unix:` in place of all that is before the path of a socket.
 * @throws OptionError
 */
export function parseStoreAddress(text: string): StoreAddress {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  // The text may have a password in it.
  if (url === undefined || !(url.protocol in SCHEMES)) throw new OptionError('cluster', EXPECTED);
  const name = url.searchParams.get('cluster') ?? 'default';
  const others = [...url.searchParams.keys()].filter((key) => key !== 'cluster');
  const hasPlace =
    url.protocol === 'unix:' ? url.pathname.length > 1 : url.hostname !== '' && DATABASE.test(url.pathname);
  if (others.length > 0 || !hasPlace || !NAME.test(name) || url.hash !== '') throw new OptionError('cluster', EXPECTED);
  url.search = '';
  // One slot, for those who divide keys by it.
  return { url: url.href, prefix: `wsproxy:{${name}}:`, users: `wsproxy-users:{${name}}` };
}

/** Where a store is, and the keys in it. */
export interface StoreAddress {
  readonly url: string;
  /** Of all keys but one. */
  readonly prefix: string;
  /** The key of the users: not below the prefix, so that servers need no right to change them. */
  readonly users: string;
}

/** Without what proves who asks. */
export function shownAddress({ url }: StoreAddress): string {
  const shown = new URL(url);
  shown.username = '';
  shown.password = '';
  return shown.href;
}

const SCHEMES = { 'redis:': true, 'rediss:': true, 'unix:': true };
const DATABASE = /^(\/\d{0,3})?$/;
const NAME = /^[a-z0-9-]{1,32}$/;
const EXPECTED =
  'must be redis://host:port, rediss://user:password@host:port/database or unix:///path, and may end in ?cluster=NAME, ' +
  'with 1 to 32 of a-z, 0-9 and -';
