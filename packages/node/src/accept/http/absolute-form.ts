import { isIPv4 } from 'node:net';
import { domainToASCII } from 'node:url';
import { parseAuthority, parsePort, type Target } from 'wsproxy-engine';
import { MessageError } from '../../http-message/message-error.js';

/** Where a plain request goes, out of its request-target in absolute form (RFC 9112 section 3.2.2). */
export interface Destination {
  readonly target: Target;
  /** Host and port as the application wrote them: the new Host field. */
  readonly authority: string;
  /** The request-target for the destination: path and query byte for byte as they came. */
  readonly requestTarget: string;
  /** The Authorization field that user and password in the URI stand for. */
  readonly authorization?: string | undefined;
}

/** The scheme in lower case, or undefined when `uri` is not in absolute form. */
export function schemeOf(uri: string): string | undefined {
  return /^([a-z][a-z0-9+.-]*):\/\//i.exec(uri)?.[1]?.toLowerCase();
}

/**
 * Reads `http://[user[:password]@]host[:[port]][/path][?query][#fragment]`, and the same with `ws`, as RFC 9110 section 4.2
 * has it; throws MessageError for anything else. A fragment is for the application alone, and goes no further.
 */
export function parseAbsoluteForm(method: string, uri: string): Destination {
  const [, all = '', rest = ''] = /^(?:http|ws):\/\/([^/?#]*)([^#]*)/i.exec(uri) ?? [];
  // To some readers a slash (WHATWG URL), to others a part of the user information.
  if (all.includes('\\')) throw new MessageError('malformed', 'the URI has a backslash before its path');
  const [authority = '', userInfo, ...more] = all.split('@').reverse();
  // Which of them ends the user information is read in two ways.
  if (more.length > 0) throw new MessageError('malformed', 'the URI has more than one @ before its path');
  const [, name = '', port = ''] = /^(.*?)(?::(\d*))?$/.exec(authority) ?? [];
  if (port !== '' && parsePort(port) === undefined)
    throw new MessageError('malformed', 'the port of the URI is not 1 to 65535');
  const host = nameInAscii(name);
  const target = host === undefined ? undefined : parseAuthority(`${host}:${port === '' ? DEFAULT_PORT : port}`);
  if (target === undefined) throw new MessageError('malformed', 'the URI has no valid host');
  return {
    target,
    authority: port === '' ? `${host}` : `${host}:${port}`,
    requestTarget: requestTargetOf(method, rest),
    authorization: basicOf(userInfo),
  };
}

/**
 * A name beyond ASCII as it is looked up (RFC 5891), if it is UTF-8, and as it is otherwise. It must stay a name: digits of
 * other scripts make no address.
 */
export function nameInAscii(name: string): string | undefined {
  if (name.length > LONGEST_NAME) return undefined;
  if (/^[\0-\x7f]*$/.test(name)) return name;
  const bytes = Buffer.from(name, 'latin1');
  const text = bytes.toString();
  const ascii = Buffer.from(text).equals(bytes) ? domainToASCII(text) : '';
  return ascii === '' || isIPv4(ascii) ? undefined : ascii;
}

function requestTargetOf(method: string, rest: string): string {
  // RFC 9112 section 3.2.4: the last proxy turns the empty path of OPTIONS into the asterisk form.
  if (rest === '' && method === 'OPTIONS') return '*';
  return rest.startsWith('/') ? rest : `/${rest}`;
}

/** RFC 7617, of user information as RFC 3986 section 3.2.1 encodes it: what curl makes of it without a proxy. */
function basicOf(userInfo: string | undefined): string | undefined {
  if (userInfo === undefined || userInfo === '') return undefined;
  const withPassword = userInfo.includes(':') ? userInfo : `${userInfo}:`;
  return `Basic ${Buffer.from(percentDecode(withPassword), 'latin1').toString('base64')}`;
}

/** RFC 3986 section 2.1; each character of the result is a byte. */
export function percentDecode(text: string): string {
  return text.replace(/%([0-9a-f]{2})/gi, (_all, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)));
}

const DEFAULT_PORT = 80;
/** Bytes of UTF-8 for the 253 characters that DNS takes, of four each. To look at more takes long. */
const LONGEST_NAME = 1_012;
