import { parseAuthority, type Target } from 'wsproxy-engine';

/** Where a plain request goes, out of its request-target in absolute form (RFC 9112 section 3.2.2). */
export interface Destination {
  readonly target: Target;
  /** Host and port as the application wrote them: the new Host field. */
  readonly authority: string;
  /** The request-target for the destination: path and query byte for byte as they came. */
  readonly requestTarget: string;
}

const DEFAULT_PORT = 80;

/** The scheme in lower case, or undefined when `uri` is not in absolute form. */
export function schemeOf(uri: string): string | undefined {
  return /^([a-z][a-z0-9+.-]*):\/\//i.exec(uri)?.[1]?.toLowerCase();
}

/**
 * Undefined for anything but `http://host[:port][/path][?query]`: user information is deprecated and a way to disguise
 * the host (RFC 9110 section 4.2.4), a fragment is never sent.
 */
export function parseAbsoluteForm(method: string, uri: string): Destination | undefined {
  const [, authority = '', rest = ''] = /^http:\/\/([^/?#]*)([^#]*)$/i.exec(uri) ?? [];
  const target = parseAuthority(authority) ?? parseAuthority(`${authority}:${DEFAULT_PORT}`);
  return target && { target, authority, requestTarget: requestTargetOf(method, rest) };
}

function requestTargetOf(method: string, rest: string): string {
  // RFC 9112 section 3.2.4: the last proxy turns the empty path of OPTIONS into the asterisk form.
  if (rest === '' && method === 'OPTIONS') return '*';
  return rest.startsWith('/') ? rest : `/${rest}`;
}
