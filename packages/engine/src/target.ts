import { isIPv4, isIPv6 } from './ip-address.js';

/** Host and port as the application named them. A name is resolved by the server, never by the client. */
export interface Target {
  /** A lower-case name without trailing dot, or an IP literal without brackets. */
  readonly host: string;
  /** 1 to 65535. */
  readonly port: number;
}

/** RFC 1035 section 2.3.4. */
const MAX_NAME_LENGTH = 253;
/** Tested before lower-casing: the lower case of some other letters is ASCII, the Kelvin sign's is `k`. */
const LABEL = /^[A-Za-z0-9_-]{1,63}$/;

/**
 * The canonical form of a host, or undefined when it is neither an IP literal nor a name that can only be a name.
 * Strict, since `getaddrinfo` takes `127.1`, `0x7f.1`, `2130706433` and full-width digits for 127.0.0.1, and stops
 * reading at a NUL: what is not certainly a name must never reach a resolver.
 */
export function parseHost(text: string): string | undefined {
  const bare = text.startsWith('[') && text.endsWith(']') ? text.slice(1, -1) : text;
  if (bare !== text && !isIPv6(bare)) return undefined;
  if (isIPv4(bare) || isIPv6(bare)) return bare.toLowerCase();

  const name = bare.endsWith('.') ? bare.slice(0, -1) : bare;
  if (name.length === 0 || name.length > MAX_NAME_LENGTH) return undefined;
  const labels = name.split('.');
  if (!labels.every((label) => LABEL.test(label))) return undefined;
  // "ends in a number" of the WHATWG URL standard, section 3.5: such a host is an IPv4 address or nothing.
  if (/^(\d+|0x[0-9a-f]*)$/i.test(labels[labels.length - 1] ?? '')) return isIPv4(name) ? name : undefined;
  return name.toLowerCase();
}

/** The canonical form of a name; undefined for an IP literal, and for what is neither. */
export function parseName(text: string): string | undefined {
  const host = parseHost(text);
  return host === undefined || isIPv4(host) || isIPv6(host) ? undefined : host;
}

/** A decimal port from 1 to 65535, without sign, space or leading zero; undefined for anything else. */
export function parsePort(text: string): number | undefined {
  if (!/^[1-9]\d{0,4}$/.test(text)) return undefined;
  const port = Number(text);
  return port <= 65_535 ? port : undefined;
}

/** `host:port`, the authority form of RFC 9110 section 7.1, with IPv6 in brackets; undefined for anything else. */
export function parseAuthority(text: string): Target | undefined {
  const colon = text.lastIndexOf(':');
  if (colon <= 0) return undefined;
  const hostText = text.slice(0, colon);
  if (hostText.includes(':') && !hostText.startsWith('[')) return undefined;
  const host = parseHost(hostText);
  const port = parsePort(text.slice(colon + 1));
  return host === undefined || port === undefined ? undefined : { host, port };
}

export function formatTarget(target: Target): string {
  return `${target.host.includes(':') ? `[${target.host}]` : target.host}:${target.port}`;
}

/** Whether a canonical host certainly names this machine. */
export function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '::1' || (isIPv4(host) && host.startsWith('127.'));
}
