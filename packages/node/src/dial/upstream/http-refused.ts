import { STATUS_CODES } from 'node:http';
import { formatTarget, type Target } from 'wsproxy-engine';
import { schemesOf } from '../../http-message/challenges.js';
import { valuesOf } from '../../http-message/fields.js';
import type { ResponseHead } from '../../http-message/response-head.js';
import { holdsSecret } from '../../secrets/holds-secret.js';
import { formatProxy, type UpstreamProxy } from './proxy.js';
import { ProxyError, type ProxyErrorCode } from './proxy-error.js';

/** What it means that a proxy answered a CONNECT to `target` so, and not with 2xx. */
export function explainRefusal(head: ResponseHead, proxy: UpstreamProxy, target: Target): ProxyError {
  const { status } = head;
  const name = `the proxy ${formatProxy(proxy)}`;
  // tinyproxy says 401 when they are wrong.
  if (status === 407 || status === 401) return explainChallenge(head, proxy);
  const isRedirect = status >= 300 && status < 400;
  const [code, say] = STATUSES[status] ?? (isRedirect ? LOGIN : FAILED);
  const where = isRedirect ? placeOf(head, proxy) : '';
  const message = `${say(name, formatTarget(target))} (${status})${where}${reasonOf(head, proxy)}`;
  return new ProxyError(code, message, { retryAfter: valuesOf(head.fields, 'retry-after')[0] });
}

type Meaning = readonly [code: ProxyErrorCode, say: (proxy: string, target: string) => string];

const LOGIN: Meaning = [
  'LOGIN_WANTED',
  (proxy, target) => `${proxy} has a page, such as a login, in place of ${target}`,
];
const FAILED: Meaning = ['PROXY_FAILED', (proxy, target) => `${proxy} opened no way to ${target}`];
const STATUSES: Readonly<Record<number, Meaning>> = {
  403: ['DENIED', (proxy, target) => `${proxy} does not allow ${target}`],
  404: ['TARGET_UNREACHABLE', (proxy, target) => `${proxy} cannot find ${target}`],
  405: ['DENIED', (proxy, target) => `${proxy} does not allow CONNECT, which is the only way to ${target}`],
  429: ['PROXY_FAILED', (proxy, target) => `${proxy} has had too many requests to open a way to ${target}`],
  502: ['TARGET_UNREACHABLE', (proxy, target) => `${proxy} cannot reach ${target}`],
  503: ['TARGET_UNREACHABLE', (proxy, target) => `${proxy} cannot reach at the moment ${target}`],
  504: ['TARGET_TIMEOUT', (proxy, target) => `${proxy} had no answer from ${target}`],
  // RFC 6585 section 6.
  511: ['LOGIN_WANTED', (proxy, target) => `${proxy} wants a login before it leads to ${target}`],
};

/** What it means that a proxy wants to know who asks, no matter for what. */
export function explainChallenge(
  { status, fields }: Pick<ResponseHead, 'status' | 'fields'>,
  proxy: UpstreamProxy,
): ProxyError {
  const name = `the proxy ${formatProxy(proxy)}`;
  const schemes = schemesOf(fields, status === 407 ? 'proxy-authenticate' : 'www-authenticate');
  // Without any, it may be a proxy that takes them all the same.
  if (schemes.length > 0 && !schemes.some((scheme) => scheme.toLowerCase() === 'basic')) {
    const told = schemes.filter((scheme) => !holdsSecret(scheme, secretsOf(proxy)));
    const wanted = told.slice(0, MAX_SCHEMES).join(' or ') || 'a scheme';
    const text = `${name} wants ${wanted}, which wsproxy cannot do; Basic is what it can (${status})`;
    return new ProxyError('SCHEME_UNKNOWN', text);
  }
  return proxy.credentials === undefined
    ? new ProxyError('CREDENTIALS_WANTED', `${name} wants a user and password (${status})`)
    : new ProxyError('CREDENTIALS_REFUSED', `${name} refused the user and password (${status})`);
}

/** Where it sends a browser, which may be where one logs in. */
function placeOf({ fields }: ResponseHead, proxy: UpstreamProxy): string {
  const [location = ''] = valuesOf(fields, 'location');
  const text = shown(location, MAX_LOCATION);
  return text === '' || holdsSecret(location, secretsOf(proxy)) ? '' : `, at ${JSON.stringify(text)}`;
}

/** In the words of the proxy, where they tell more than the status, and not the password. */
function reasonOf({ status, reason }: ResponseHead, proxy: UpstreamProxy): string {
  const text = shown(reason, MAX_REASON);
  const isUsual = text.toLowerCase() === (STATUS_CODES[status] ?? '').toLowerCase();
  if (text === '' || isUsual || holdsSecret(reason, secretsOf(proxy))) return '';
  return `, and says ${JSON.stringify(text)}`;
}

function secretsOf({ credentials }: UpstreamProxy): readonly Uint8Array[] {
  return credentials === undefined ? [] : [credentials.password];
}

function shown(latin1: string, length: number): string {
  return decode(latin1).replace(UNPRINTABLE, ' ').replace(/ +/g, ' ').slice(0, length).trim();
}

/** UTF-8 where it is that. */
function decode(latin1: string): string {
  const text = Buffer.from(latin1, 'latin1').toString();
  return text.includes('\ufffd') ? latin1 : text;
}

/** What moves, hides or reorders text. */
const UNPRINTABLE = /[\p{C}\p{Zl}\p{Zp}\p{Default_Ignorable_Code_Point}]/gu;
/** Characters. */
const MAX_REASON = 100;
const MAX_LOCATION = 200;
const MAX_SCHEMES = 4;
