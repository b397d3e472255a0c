import { hostname } from 'node:os';
import { type Clock, parseHost } from 'wsproxy-engine';
import { followFile } from './followed-file.js';

/** Beyond it, no more dots are asked for, no matter what the file says: that of glibc. */
const MAX_NDOTS = 15;
/** RFC 1035 section 2.3.4, as text. */
const MAX_NAME_LENGTH = 253;

/**
 * A function that yields what nameservers are to be asked for a name, in this order, until one knows it: the name as it
 * stands, and the name below each search domain. resolv.conf(5) says which comes first.
 */
export function createSearchList(
  path: string = '/etc/resolv.conf',
  clock?: Clock,
  host: string = hostname(),
): (name: string) => readonly string[] {
  const config = followFile(path, (text) => parseSearchList(text, host), clock);
  return (name) => {
    const { domains, ndots } = config();
    const below = domains.map((domain) => (domain === '.' ? name : `${name}.${domain}`));
    const all = name.split('.').length > ndots ? [name, ...below] : [...below, name];
    return [...new Set(all)].filter((each) => each === name || each.length <= MAX_NAME_LENGTH);
  };
}

interface SearchList {
  readonly domains: readonly string[];
  /** A name with fewer dots is asked for below the domains first. */
  readonly ndots: number;
}

function parseSearchList(text: string, host: string): SearchList {
  let domains = host.includes('.') ? [host.slice(host.indexOf('.') + 1)] : [];
  let ndots = 1;
  for (const line of text.split(/\r?\n/)) {
    const [keyword, ...words] = line.trimEnd().split(/[ \t]+/);
    // Of `domain` and `search`, the last one counts.
    if (keyword === 'domain' && words.length > 0) domains = words.slice(0, 1);
    if (keyword === 'search' && words.length > 0) domains = words;
    if (keyword !== 'options') continue;
    for (const word of words) {
      const digits = /^ndots:(\d+)/.exec(word)?.[1];
      if (digits !== undefined) ndots = Math.min(Number(digits), MAX_NDOTS);
    }
  }
  const known = domains.map((domain) => (domain === '.' ? domain : parseHost(domain)));
  return { domains: known.filter((domain) => domain !== undefined), ndots };
}
