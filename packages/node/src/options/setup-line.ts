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
 * The line may have a user before it, as where there are several.
 * @throws TypeError with one line that says what is expected, and nothing of the token
 */
export function parseSetupLine(line: string): Setup {
  const [, url = '', token = ''] = /^(?:\S+: )?(wss?:\/\/[^\s#@]+)#(\S+)$/.exec(line.trim()) ?? [];
  if (!URL.canParse(url)) {
    throw new TypeError('expected the line that wsproxy-server init has printed: wss://host/path#token');
  }
  const problem = problemOfToken(token);
  if (problem !== undefined) throw new TypeError(`the token in the line ${problem}; copy the whole line`);
  return { url, token };
}
