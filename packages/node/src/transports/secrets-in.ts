import type { WayToServer } from './open-transport.js';

/** What an answer must not bring back into logs: the token, and anything that a reverse proxy may want in headers of its own. */
export function secretsIn(headers: WayToServer['headers']): string[] {
  return Object.entries(headers)
    .filter(([name]) => !PUBLIC.test(name))
    .flatMap(([name, value]) => (/^cookie$/i.test(name) ? valuesOfCookies(value) : [value.replace(/^Bearer /, '')]))
    .filter((value) => value.length >= SHORTEST_SECRET);
}

/** Their names are words such as `session`. */
function valuesOfCookies(text: string): string[] {
  return text.split(/; */).map((cookie) => cookie.replace(/^[^=]*=/, ''));
}

/** Who asks, from where and for what: an answer may well have the same words. */
const PUBLIC =
  /^(accept.*|cache-control|dnt|forwarded|from|host|origin|pragma|referer|user-agent|via|wsproxy-.*|x-forwarded-.*|x-real-ip)$/i;
/** Characters: what is shorter stands in any text by chance. */
const SHORTEST_SECRET = 8;
