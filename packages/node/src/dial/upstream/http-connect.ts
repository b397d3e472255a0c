import { request } from 'node:http';
import type { Socket } from 'node:net';
import { formatTarget, type Target } from 'wsproxy-engine';
import { formatProxy, type ProxyCredentials, type UpstreamProxy } from './proxy.js';
import { ProxyError, type ProxyErrorCode } from './proxy-error.js';

/** Of the answer's header, bytes. */
const MAX_HEADER_SIZE = 16_384;

const STATUSES: Readonly<Record<number, readonly [code: ProxyErrorCode, words: string]>> = {
  403: ['DENIED', 'does not allow'],
  404: ['TARGET_UNREACHABLE', 'cannot find'],
  405: ['DENIED', 'does not allow CONNECT, which is the only way to'],
  502: ['TARGET_UNREACHABLE', 'cannot reach'],
  503: ['TARGET_UNREACHABLE', 'cannot reach at the moment'],
  504: ['TARGET_TIMEOUT', 'had no answer from'],
};

/** Resolves when `socket`, which is connected to `proxy`, leads to `target`, and is paused. Rejects with ProxyError. */
export function requestTunnel(socket: Socket, proxy: UpstreamProxy, target: Target): Promise<void> {
  const authority = formatTarget(target);
  const name = `the proxy ${formatProxy(proxy)}`;
  return new Promise((resolve, reject) => {
    const connect = request({
      method: 'CONNECT',
      path: authority,
      headers: { host: authority, ...(proxy.credentials && { 'proxy-authorization': basic(proxy.credentials) }) },
      createConnection: () => socket,
      maxHeaderSize: MAX_HEADER_SIZE,
    });
    // Node calls every answer to a CONNECT so, whatever its status. RFC 9110 section 9.3.6: any 2xx opens the tunnel.
    connect.once('connect', ({ statusCode = 0 }, _socket, head) => {
      socket.pause();
      if (statusCode < 200 || statusCode > 299) return reject(explain(statusCode, proxy, target));
      if (head.length > 0) socket.unshift(head);
      resolve();
    });
    connect.once('error', (error: NodeJS.ErrnoException) => {
      const isSpeech = error.code?.startsWith('HPE_') ?? false;
      const what = isSpeech ? 'does not speak HTTP' : 'hung up instead of answering';
      reject(new ProxyError('PROXY_BROKEN', `${name} ${what}`, { cause: error }));
    });
    connect.end();
  });
}

/** RFC 7617. */
function basic({ user, password }: ProxyCredentials): string {
  return `Basic ${Buffer.from(`${user}:${password}`).toString('base64')}`;
}

function explain(status: number, proxy: UpstreamProxy, target: Target): ProxyError {
  const name = `the proxy ${formatProxy(proxy)}`;
  // tinyproxy says 401 when they are wrong.
  if (status === 407 || status === 401) {
    return proxy.credentials === undefined
      ? new ProxyError('CREDENTIALS_WANTED', `${name} wants a user and password (${status})`)
      : new ProxyError('CREDENTIALS_REFUSED', `${name} refused the user and password (${status})`);
  }
  const [code, words] = STATUSES[status] ?? ['PROXY_FAILED', 'opened no way to'];
  return new ProxyError(code, `${name} ${words} ${formatTarget(target)} (${status})`);
}
