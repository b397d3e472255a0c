import { STATUS_CODES } from 'node:http';
import { formatTarget, type Target } from 'wsproxy-engine';
import { schemesOf } from '../../http-message/challenges.js';
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
  const [code, words] = STATUSES[status] ?? ['PROXY_FAILED', 'opened no way to'];
  return new ProxyError(code, `${name} ${words} ${formatTarget(target)} (${status})${reasonOf(head, proxy)}`);
}

const STATUSES: Readonly<Record<number, readonly [code: ProxyErrorCode, words: string]>> = {
  403: ['DENIED', 'does not allow'],
  404: ['TARGET_UNREACHABLE', 'cannot find'],
  405: ['DENIED', 'does not allow CONNECT, which is the only way to'],
  502: ['TARGET_UNREACHABLE', 'cannot reach'],
  503: ['TARGET_UNREACHABLE', 'cannot reach at the moment'],
  504: ['TARGET_TIMEOUT', 'had no answer from'],
};

function explainChallenge({ status, fields }: ResponseHead, proxy: UpstreamProxy): ProxyError {
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

/** In the words of the proxy, where they tell more than the status, and not the password. */
function reasonOf({ status, reason }: ResponseHead, proxy: UpstreamProxy): string {
  const text = decode(reason).replace(UNPRINTABLE, ' ').replace(/ +/g, ' ').slice(0, MAX_REASON).trim();
  const isUsual = text.toLowerCase() === (STATUS_CODES[status] ?? '').toLowerCase();
  if (text === '' || isUsual || holdsSecret(reason, secretsOf(proxy))) return '';
  return `, and says ${JSON.stringify(text)}`;
}

function secretsOf({ credentials }: UpstreamProxy): readonly Uint8Array[] {
  return credentials === undefined ? [] : [credentials.password];
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
const MAX_SCHEMES = 4;
