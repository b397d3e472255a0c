import { createHash } from 'node:crypto';
import type { IncomingHttpHeaders } from 'node:http';
import { type Clock, systemClock } from 'wsproxy-engine';
import type { Greeting } from 'wsproxy-engine/connector';
import { CookieJar } from './cookie-jar.js';

/**
 * Leads the transports of one session to the process that has it, past balancers and other processes: by what their requests say,
 * and by what the answers have told before (PROTOCOL.md, "Connection").
 */
export class WayBack {
  readonly #greeting: Greeting;
  readonly #clock: Pick<Clock, 'wallTime'>;
  /** What the requests of this session have been given, by the digest of its id. */
  #jar = new CookieJar();
  #digest: string | undefined;
  /** As the answer has told it that opened the transport for HELLO: that to HELLO itself may be lost. */
  #openedAt: string | undefined;
  #openedBy: string | undefined;

  constructor(greeting: Greeting, clock: Pick<Clock, 'wallTime'> = systemClock) {
    this.#greeting = greeting;
    this.#clock = clock;
  }

  /** Where the session lives, as far as is known. */
  get route(): string | undefined {
    return this.#greeting.route ?? this.#openedAt;
  }

  /** The process that has opened the newest transport, as the answer says; undefined if it does not. */
  get openedBy(): string | undefined {
    return this.#openedBy;
  }

  /** One more request for a transport. `headers`: those of the user. */
  ask(url: URL, headers: Readonly<Record<string, string>>): Errand {
    const { id, resumes } = this.#greeting.next;
    const route = resumes ? this.route : undefined;
    const digest = digestOf(id);
    const jar = this.#jarOf(digest);
    const headersTo = (place: string | undefined, cookies = jar): Record<string, string> => ({
      ...withCookies(cookies.pairs(url, this.#clock.wallTime()), headers),
      'wsproxy-session': digest,
      ...(place !== undefined && { 'wsproxy-route': place }),
    });
    let opened: { readonly place: string | undefined; readonly cookies: CookieJar } | undefined;
    return {
      headers: { ...headersTo(route), ...(resumes && { 'wsproxy-resume': '1' }) },
      onAnswer: (status, answer) => {
        jar.take(answer['set-cookie'] ?? [], url, this.#clock.wallTime());
        if (!isOpening(status, answer)) return;
        this.#openedBy = routeIn(answer);
        if (!resumes) this.#openedAt = this.#openedBy;
      },
      headersAfter: (answer) => {
        const lines = answer['set-cookie'] ?? [];
        if (opened === undefined) {
          // Another transport may yet be the one that the session goes on with: `onAnswer` tells.
          opened = { place: routeIn(answer), cookies: new CookieJar(jar) };
        } else jar.take(lines, url, this.#clock.wallTime());
        opened.cookies.take(lines, url, this.#clock.wallTime());
        return headersTo(opened.place, opened.cookies);
      },
      isOwnersAbsence: (status, answer) => status === 503 && route !== undefined && routeIn(answer) === route,
    };
  }

  /** A session that begins by another name was turned away, and must not be led to the same process again. */
  #jarOf(digest: string): CookieJar {
    if (this.#digest !== undefined && this.#digest !== digest) this.#jar = new CookieJar();
    this.#digest = digest;
    return this.#jar;
  }
}

/** That of the session: the same one each time. */
export function wayBackOf(session: Greeting): WayBack {
  const known = waysBack.get(session) ?? new WayBack(session);
  waysBack.set(session, known);
  return known;
}

const waysBack = new WeakMap<Greeting, WayBack>();

/** One request for a transport, and what its answer means. */
export interface Errand {
  /** Those of the user, and those of the session. */
  readonly headers: Readonly<Record<string, string>>;
  /** The head of the answer is there, no matter what it says. */
  onAnswer(status: number, headers: IncomingHttpHeaders): void;
  /** Asked with each answer, the one that opens the transport first: those of its next requests. */
  headersAfter(answer: IncomingHttpHeaders): Readonly<Record<string, string>>;
  /** Whether an answer says that the server lives, but the process that has the session does not answer. */
  isOwnersAbsence(status: number, headers: IncomingHttpHeaders): boolean;
}

/** It has opened a transport: of WebSocket, or of HTTP. */
function isOpening(status: number, answer: IncomingHttpHeaders): boolean {
  return status === 101 || (status === 200 && answer['wsproxy-transport'] !== undefined);
}

/** `pairs`: what answers have set; what the user says of a cookie counts. */
function withCookies(pairs: readonly string[], headers: Readonly<Record<string, string>>): Record<string, string> {
  const others = Object.entries(headers).filter(([name]) => !isCookie(name));
  const given = Object.entries(headers).flatMap(([name, value]) =>
    isCookie(name) ? value.split(/; */).filter((pair) => pair !== '') : [],
  );
  const names = new Set(given.map(nameOf));
  const cookies = [...given, ...pairs.filter((pair) => !names.has(nameOf(pair)))].join('; ');
  return { ...Object.fromEntries(others), ...(cookies !== '' && { cookie: cookies }) };
}

/** For balancers to choose by: the same for all transports of a session, and nothing that lets anybody in. */
function digestOf(id: Uint8Array): string {
  return createHash('sha256').update('wsproxy session').update(id).digest('hex').slice(0, 32);
}

/** Nothing but what may stand in a request again. */
function routeIn({ 'wsproxy-route': route }: IncomingHttpHeaders): string | undefined {
  return typeof route === 'string' && /^[\x21-\x7e]{1,64}$/.test(route) ? route : undefined;
}

function isCookie(name: string): boolean {
  return name.toLowerCase() === 'cookie';
}

function nameOf(pair: string): string {
  return pair.replace(/=.*$/s, '').trim();
}
