import type { Socket } from 'node:net';
import { Duplex } from 'node:stream';
import { SocksClient } from 'socks';
import { formatTarget, type Target } from 'wsproxy-engine';
import { formatProxy, type UpstreamProxy } from './proxy.js';
import { ProxyError, type ProxyErrorCode } from './proxy-error.js';

/** What a SOCKS5 proxy replies (RFC 1928 section 6), by the names the package has for it, and what it means here. */
type Meaning = readonly [code: ProxyErrorCode, say: (proxy: string, target: string) => string];

const FAILED: Meaning = ['PROXY_FAILED', (proxy, target) => `${proxy} failed to reach ${target}`];
const REPLIES: Readonly<Record<string, Meaning>> = {
  NotAllowed: ['DENIED', (proxy, target) => `${proxy} does not allow ${target}`],
  NetworkUnreachable: ['TARGET_UNREACHABLE', (proxy, target) => `${proxy} finds no network to ${target}`],
  HostUnreachable: ['TARGET_UNREACHABLE', (proxy, target) => `${proxy} cannot reach or find ${target}`],
  ConnectionRefused: ['TARGET_REFUSED', (proxy, target) => `${proxy} was refused by ${target}`],
  TTLExpired: ['TARGET_TIMEOUT', (proxy, target) => `${proxy} had no answer from ${target}`],
  AddressNotSupported: ['PROXY_FAILED', (proxy, target) => `${proxy} takes no such address as ${target}`],
};

/** Resolves when `socket`, which is connected to `proxy`, leads to `target`, and is paused. Rejects with ProxyError. */
export function socksHandshake(socket: Socket, proxy: UpstreamProxy, target: Target, timeout: number): Promise<void> {
  return new Promise((resolve, reject) => {
    // The package passes on what came behind the answer as a `data` event, and resumes: a socket would lose it. So it
    // is given this line, and hands over at once while the socket is paused.
    const line = new Duplex({
      read() {},
      write(chunk: Buffer, _encoding, done) {
        socket.write(chunk, done);
      },
    });
    line.on('error', () => {});
    const onData = (chunk: Buffer): void => void line.emit('data', chunk);
    const onEnd = (): void => void line.destroy();
    const detach = (): void => {
      socket.pause();
      socket.off('data', onData).off('end', onEnd).off('close', onEnd);
    };
    // Its timer cannot be cleared and runs on when all is over, without keeping the process alive.
    const client = new SocksClient({
      command: 'connect',
      destination: { host: target.host, port: target.port },
      proxy: { host: proxy.host, port: proxy.port, type: proxy.scheme === 'socks4' ? 4 : 5, ...credentialsOf(proxy) },
      timeout,
    });
    client.once('error', (error) => {
      detach();
      reject(explain(error.message, proxy, target));
    });
    client.once('established', () => {
      detach();
      line.on('data', (rest: Buffer) => socket.unshift(rest));
      // After the package's own, in which it passes the rest on.
      setImmediate(resolve);
    });
    client.connect(line as Socket);
    socket.on('data', onData).once('end', onEnd).once('close', onEnd);
  });
}

function credentialsOf({ credentials }: UpstreamProxy): { userId: string; password: string } | undefined {
  return credentials && { userId: credentials.user.toString(), password: credentials.password.toString() };
}

/** The package's errors hold its options, and those the password: only their words are used. */
function explain(message: string, proxy: UpstreamProxy, target: Target): ProxyError {
  const name = `the proxy ${formatProxy(proxy)}`;
  if (message.includes('no accepted authentication type') || message.includes('unknown authentication type')) {
    return proxy.credentials === undefined
      ? new ProxyError('CREDENTIALS_WANTED', `${name} wants a user and password`)
      : new ProxyError('CREDENTIALS_REFUSED', `${name} takes no user and password`);
  }
  if (message.includes('Authentication failed')) {
    return new ProxyError('CREDENTIALS_REFUSED', `${name} refused the user and password`);
  }
  const rejection = /rejected connection - \(?(\w+)/.exec(message)?.[1];
  if (rejection !== undefined) {
    const [code, say] = REPLIES[rejection] ?? FAILED;
    return new ProxyError(code, say(name, formatTarget(target)));
  }
  if (message === 'Socket closed') return new ProxyError('PROXY_BROKEN', `${name} hung up instead of answering`);
  return new ProxyError('PROXY_BROKEN', `${name} does not speak ${proxy.scheme.toUpperCase()}`);
}
