import { problemOfToken } from './token.js';

/** What a client needs to know of a server, in one line: `wss://proxy.example.org/tunnel#TOKEN`. */
export interface Setup {
  readonly url: string;
  readonly token: string;
}

/** The token stands where a URL has its fragment, which is never sent (RFC 3986 section 3.5). */
export function formatSetupLine({ url, token }: Setup): string {
  return `${url}#${token}`;
}

/**
 * The line may have a user before it, as where there are several, and what a mail or a chat has put around it or into it: quotes,
 * white space, a line break.
 * @throws TypeError with one line that says what is expected, and nothing of the token
 */
export function parseSetupLine(text: string): Setup {
  const words = text
    .replaceAll(/^[\s>]+/gm, '')
    .split(/\s+/)
    .filter((word) => !ONLY_QUOTES.test(word));
  if (USER.test(words[0] ?? '')) words.shift();
  const [, url = '', token = ''] = LINE.exec(unquoted(words.join(''))) ?? [];
  // What stands behind a whole token is something else, and not the rest of it.
  const hasMore = words.slice(0, -1).some((word) => WHOLE.test(word)) || (words.length > 1 && token.includes('://'));
  if (!URL.canParse(url) || hasMore) {
    throw new TypeError('expected the line that wsproxy-server init has printed: wss://host/path#token');
  }
  const problem = problemOfToken(token);
  if (problem !== undefined) throw new TypeError(`the token in the line ${problem}; copy the whole line`);
  return { url, token };
}

const LINE = /^(wss?:\/\/[^\s#@]+)#(\S+)$/;
const USER = /^[^\s/]+:$/;
/** As the server makes them. */
const WHOLE = /#[\w-]{43}$/;
const QUOTES = [`""`, `''`, '``', '<>', '“”', '‘’', '«»', '「」'];
const ONLY_QUOTES = new RegExp(`^[${QUOTES.join('')}]*$`);

function unquoted(text: string): string {
  const isQuoted = QUOTES.some((pair) => text.startsWith(pair.charAt(0)) && text.endsWith(pair.charAt(1)));
  return isQuoted ? unquoted(text.slice(1, -1)) : text;
}
