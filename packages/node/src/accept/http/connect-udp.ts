import { parseHost, parsePort, type Target } from 'wsproxy-engine';
import { formatHead } from '../../http-message/fields.js';
import type { RequestHead } from '../../http-message/request-head.js';
import type { Reply } from '../enter-tunnel.js';
import { nameInAscii, percentDecode, schemeOf } from './absolute-form.js';
import { protocolsOf } from './forwarded-heads.js';
import { encodeRefusal, REFUSALS, refusalOf } from './http-refusal.js';
import { type Decision, hasSeveralHosts, isFromPage } from './http-rules.js';

/**
 * Where a request for UDP proxying goes (RFC 9298 section 3.2), by the template that every proxy without one of its own has;
 * undefined for any other request. Its authority is what the application calls this port, which may be any name: anyone who
 * means another proxy has a template of https, and goes there by CONNECT.
 */
export function decideConnectUdp(request: RequestHead): Decision<Target> | undefined {
  const { method, requestTarget, fields, framing } = request;
  if (!protocolsOf(request).some((protocol) => protocol.toLowerCase() === 'connect-udp')) return undefined;
  const isAbsolute = schemeOf(requestTarget) !== undefined;
  const path = requestTarget.replace(SCHEME_AND_AUTHORITY, '');
  const [, host, port] = TEMPLATE.exec(path) ?? [];
  // An origin of its own may serve it elsewhere.
  if (host === undefined && isAbsolute) return undefined;
  if (isFromPage(fields)) return { refusal: REFUSALS.FROM_A_PAGE };
  if (hasSeveralHosts(fields)) return { refusal: REFUSALS.SEVERAL_HOSTS };
  if (method !== 'GET' || framing.kind !== 'none') return { refusal: REFUSALS.BAD_CONNECT_UDP };
  const target = parseTarget(host, port);
  return target === undefined ? { refusal: REFUSALS.BAD_UDP_TARGET } : { accepted: target };
}

/** `isRemote`: see `ServedPort`. */
export const connectUdpReply = (isRemote: boolean): Reply => ({
  kind: 'connect-udp',
  success: () =>
    formatHead('HTTP/1.1 101 Switching Protocols', [
      { name: 'Connection', value: 'Upgrade' },
      { name: 'Upgrade', value: 'connect-udp' },
      { name: 'Capsule-Protocol', value: '?1' },
    ]),
  failure: (code, target) => encodeRefusal(refusalOf(code, isRemote), 'GET', target),
});

const SCHEME_AND_AUTHORITY = /^[a-z][a-z0-9+.-]*:\/\/[^/?#]*/i;
/** The slash at the end is left out by some. */
const TEMPLATE = /^\/\.well-known\/masque\/udp\/([^/?#]*)\/([^/?#]*)\/?$/;

/** The colons of an IPv6 address are percent-encoded, and there are no brackets (RFC 9298 section 2). */
function parseTarget(host: string | undefined, port: string | undefined): Target | undefined {
  const name = host && nameInAscii(percentDecode(host));
  const [parsedHost, parsedPort] = [name && parseHost(name), port && parsePort(percentDecode(port))];
  return parsedHost && parsedPort ? { host: parsedHost, port: parsedPort } : undefined;
}
