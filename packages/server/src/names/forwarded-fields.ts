import type { Field } from 'wsproxy-node/http-message';
import { listOf, valuesOf } from 'wsproxy-node/http-message';

/**
 * What tells a service whom a request is from (X-Forwarded-For and its kin). It is set anew, so that nobody can write it who
 * is not a trusted proxy; what such a one says is kept, with its own address behind it.
 */
export function forwardedFields(fields: readonly Field[], { peer, isTrusted, host }: Sender): Field[] {
  const given = isTrusted ? fields : [];
  const chain = [...valuesOf(given, FOR), ...(peer === undefined ? [] : [peer])];
  const proto = listOf(given, PROTO).at(-1) ?? 'http';
  return [
    // RFC 7239 section 6.2 has the word.
    { name: 'X-Forwarded-For', value: chain.length > 0 ? chain.join(', ') : 'unknown' },
    { name: 'X-Forwarded-Proto', value: proto },
    { name: 'X-Forwarded-Host', value: valuesOf(given, HOST).at(-1) ?? host },
  ];
}

/** The fields without those that tell so, as far as they are not believed. Some services take `_` for `-`. */
export function withoutForwarded(fields: readonly Field[], isTrusted: boolean): Field[] {
  return fields.filter(({ name }) => {
    const known = name.toLowerCase().replaceAll('_', '-');
    if (SET_HERE.has(known)) return false;
    return isTrusted || !(known.startsWith('x-forwarded-') || OTHERS.has(known));
  });
}

export interface Sender {
  /** The address of the one who has connected; undefined on a Unix socket. */
  readonly peer: string | undefined;
  readonly isTrusted: boolean;
  /** The Host field. */
  readonly host: string;
}

const FOR = 'x-forwarded-for';
const PROTO = 'x-forwarded-proto';
const HOST = 'x-forwarded-host';
const SET_HERE: ReadonlySet<string> = new Set([FOR, PROTO, HOST]);
/** RFC 7239, and nginx's custom. */
const OTHERS: ReadonlySet<string> = new Set(['forwarded', 'x-real-ip']);
