import { formatTarget, type ListenKind, parseName } from 'wsproxy-engine';
import { MAX_UNIX_PATH } from 'wsproxy-node/options';
import { canonicalAddress } from 'wsproxy-node/targets';

/** A place to listen at, in its one spelling: what is bound, and what rules are judged by. */
export interface ListenPlace {
  readonly kind: ListenKind;
  /**
   * Of `tcp` and `udp` an IP literal, or `*` for every address of both families: `::` is every address of IPv6 alone, and has to
   * be bound so. Of `unix` a path; of `http` and `tls` a name, `*.` and a name for anything that is below it, or `*` for all.
   */
  readonly host: string;
  /** Of `tcp` and `udp`; 0 leaves it to the server, and everywhere else. */
  readonly port: number;
}

/**
 * The place that somebody asks for; undefined when there is none such. No name is looked up: an address is a literal, `*`,
 * or nothing or `localhost` for 127.0.0.1. A path is absolute, without detours, and its links are for others to follow.
 */
export function listenPlaceOf(kind: ListenKind, bind: string, port: number): ListenPlace | undefined {
  const host = HOST_OF[kind](bind);
  if (host === undefined) return undefined;
  const isRight = hasPorts({ kind }) ? Number.isInteger(port) && port >= 0 && port <= 65_535 : port === 0;
  return isRight ? { kind, host, port } : undefined;
}

/** Whether a place of this kind is at a port. */
export function hasPorts({ kind }: Pick<ListenPlace, 'kind'>): boolean {
  return kind === 'tcp' || kind === 'udp';
}

/** It is for the server to choose its port. */
export function leavesPortToServer(place: ListenPlace): boolean {
  return hasPorts(place) && place.port === 0;
}

/** As a rule has it: `127.0.0.1:8000`, `[::1]:53/udp`, `unix:/run/wsproxy/app`, `http:app.example.org`. */
export function formatListenPlace({ kind, host, port }: ListenPlace): string {
  if (kind === 'tcp') return formatTarget({ host, port });
  return kind === 'udp' ? `${formatTarget({ host, port })}/udp` : `${kind}:${host}`;
}

/** The name of `text`, `*.` and a name, or `*`; undefined for anything else. */
export function namesOf(text: string): string | undefined {
  if (text === '*') return text;
  const isBelow = text.startsWith('*.');
  const name = parseName(isBelow ? text.slice(2) : text);
  return isBelow ? name && `*.${name}` : name;
}

/** `text`, if it is an absolute path in its one spelling: nothing empty, no `.` or `..`, nothing that a terminal would not show. */
export function pathOf(text: string): string | undefined {
  if (!text.startsWith('/') || /\p{C}/u.test(text) || Buffer.byteLength(text) > MAX_UNIX_PATH) return undefined;
  const parts = text.slice(1).split('/');
  return parts.some((part) => part === '' || part === '.' || part === '..') ? undefined : text;
}

function addressOf(bind: string): string | undefined {
  if (bind === '' || bind === 'localhost') return '127.0.0.1';
  return bind === '*' ? bind : canonicalAddress(bind);
}

const HOST_OF: Readonly<Record<ListenKind, (bind: string) => string | undefined>> = {
  tcp: addressOf,
  udp: addressOf,
  // Beside a socket such a file says that somebody is about to listen there: anyone who made one would keep others from it.
  unix: (bind) => (bind.endsWith('.lock') ? undefined : pathOf(bind)),
  http: namesOf,
  tls: namesOf,
};
