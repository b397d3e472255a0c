import { createPrivateKey, X509Certificate } from 'node:crypto';
import { once } from 'node:events';
import { type ConnectionOptions, connect, type TLSSocket } from 'node:tls';
import { describe, expect, test, vi } from 'vitest';
import { WebSocket } from 'ws';
import type { TlsOptions } from '../../src/gateway/tls.js';
import { createServer } from '../../src/server.js';
import {
  cleanUpWith,
  closeOf,
  echo,
  exchange,
  openSocket,
  plain,
  startGateway,
  statusOf,
  token,
  upgrade,
} from './gateway-fixture.js';
import { makeCertificate } from './make-certificate.js';

const [first, second] = [makeCertificate(), makeCertificate(3)];
const start = (limits = {}, more = {}) =>
  startGateway(limits, '/tunnel', { tls: first ?? { cert: '', key: '' }, ...more });

function encrypted(key: string | Buffer): string {
  const options = { type: 'pkcs8', format: 'pem', cipher: 'aes-256-cbc', passphrase: 'x' } as const;
  return String(createPrivateKey(key).export(options));
}

async function handshake(port: number, options: ConnectionOptions = {}): Promise<TLSSocket> {
  const socket = connect({ port, host: '127.0.0.1', rejectUnauthorized: false, ...options });
  cleanUpWith(() => socket.destroy());
  await once(socket, 'secureConnect');
  return socket;
}

async function exchangeSecurely(port: number, bytes: string): Promise<string> {
  const socket = await handshake(port);
  let answer = '';
  socket.on('data', (chunk) => {
    answer += chunk;
  });
  socket.on('error', () => {});
  socket.write(bytes);
  await closeOf(socket);
  return answer;
}

async function openWebSocket(port: number): Promise<WebSocket> {
  const headers = { authorization: `Bearer ${token}` };
  const webSocket = new WebSocket(`wss://127.0.0.1:${port}/tunnel`, 'wsproxy.v1', {
    headers,
    rejectUnauthorized: false,
  });
  cleanUpWith(() => webSocket.terminate());
  await once(webSocket, 'open');
  return webSocket;
}

describe.skipIf(first === undefined)('a gateway with TLS', () => {
  test('carries WebSockets, and answers all others as it does without', async () => {
    const { port, transports } = await start();
    const client = await openWebSocket(port);
    echo(transports[0]?.transport);
    client.send(Buffer.from('hello'));
    expect(String((await once(client, 'message'))[0])).toBe('hello');
    const requests = [upgrade({ Authorization: undefined }), plain(), plain({}, 'GET / HTTP/1.1'), 'nonsense\r\n\r\n'];
    const answers = await Promise.all(requests.map((request) => exchangeSecurely(port, request)));
    expect(answers.map(statusOf)).toEqual([401, 426, 404, 400]);
  });

  test.each([
    ['nothing at all', ''],
    ['half a ClientHello', '16030100a5010000a10303'],
  ])('gives a handshake of %s a time, and no answer', async (_, hex) => {
    const onFailedHandshake = vi.fn();
    const { port, logs } = await start({ handshakeTimeout: 100 }, { observer: { onFailedHandshake } });
    expect(await exchange(port, Buffer.from(hex, 'hex'))).toBe('');
    const fields = { code: 'ERR_TLS_HANDSHAKE_TIMEOUT', remoteAddress: '127.0.0.1' };
    expect(logs).toEqual([{ level: 'info', fields, message: 'a TLS handshake failed' }]);
    expect(onFailedHandshake).toHaveBeenCalledOnce();
  });

  test.each([
    ['a look whether somebody listens', '', 0],
    ['half a handshake', '16030100a5010000a10303', 1],
  ])('takes %s for what it is', async (_, hex, told) => {
    const onFailedHandshake = vi.fn();
    const { port, gateway, logs } = await start({}, { observer: { onFailedHandshake } });
    const accepted = once(gateway.server, 'connection');
    const failed = once(gateway.server, 'tlsClientError');
    const socket = openSocket(port);
    socket.end(Buffer.from(hex, 'hex'));
    const [near] = await accepted;
    await Promise.all([closeOf(near), closeOf(socket), failed]);
    expect([onFailedHandshake.mock.calls.length, logs.length]).toEqual([told, told]);
  });

  test('gives the request behind a handshake a time too', async () => {
    const { port } = await start({ handshakeTimeout: 100 });
    expect(statusOf(await exchangeSecurely(port, 'GET /tunnel HTTP/1.1\r\nHost: proxy.exa'))).toBe(408);
  });

  test('counts handshakes among the connections that wait, and WebSockets not', async () => {
    const { port, gateway } = await start({ pendingConnections: 1 });
    // Each of them takes the one place, and gives it back.
    await openWebSocket(port);
    await openWebSocket(port);
    expect(gateway.dropped).toBe(0);
    const waiting = openSocket(port);
    const closed = closeOf(waiting);
    await once(waiting, 'connect');
    await openWebSocket(port);
    await closed;
    expect(gateway.dropped).toBe(1);
  });

  test('tells of a handshake that was ended for others as of a limit, not as of a failure', async () => {
    const onFailedHandshake = vi.fn();
    const { port, logs } = await start({ pendingConnections: 1 }, { observer: { onFailedHandshake } });
    const waiting = openSocket(port);
    waiting.write(Buffer.from('16030100a5010000a10303', 'hex'));
    const closed = closeOf(waiting);
    await once(waiting, 'connect');
    await openWebSocket(port);
    await closed;
    expect(onFailedHandshake).not.toHaveBeenCalled();
    expect(logs.filter(({ level }) => level !== 'debug')).toEqual([]);
  });

  test('gives a place back when a WebSocket was refused', async () => {
    const { port } = await start({ pendingConnections: 1 });
    for (let round = 0; round < 3; round += 1) {
      expect(statusOf(await exchangeSecurely(port, plain()))).toBe(426);
    }
  });

  test('does not answer plain HTTP', async () => {
    const { port, logs } = await start();
    expect(await exchange(port, upgrade())).toBe('');
    expect(logs.map(({ level, message }) => [level, message])).toEqual([['info', 'a TLS handshake failed']]);
  });

  test('closes while a handshake is under way', async () => {
    const { port, gateway, transports } = await start();
    await openWebSocket(port);
    const waiting = openSocket(port);
    waiting.write(Buffer.from('16030100a5010000a10303', 'hex'));
    await once(waiting, 'connect');
    const idle = await handshake(port);
    idle.on('error', () => {});
    const closed = gateway.close();
    await Promise.all([closeOf(waiting), closeOf(idle)]);
    transports[0]?.transport.terminate();
    await closed;
  });
});

test.skipIf(first === undefined)(
  'a WebSocket waits no more, also where Node does not tell what TLS was put on',
  async () => {
    const { port, transports, closed, gateway } = await start({ pendingConnections: 1, handshakeTimeout: 100 });
    gateway.server.prependListener('secureConnection', (secured) => Object.assign(secured, { _parent: null }));
    // Node would not close them either.
    gateway.server.on('connection', (accepted) => cleanUpWith(() => accepted.destroy()));
    const client = await openWebSocket(port);
    await openWebSocket(port);
    expect(statusOf(await exchangeSecurely(port, 'GET /tunnel HTTP/1.1\r\nHost: proxy.exa'))).toBe(408);
    expect([gateway.dropped, closed]).toEqual([0, []]);
    echo(transports[0]?.transport);
    client.send(Buffer.from('still here'));
    expect(String((await once(client, 'message'))[0])).toBe('still here');
  },
);

describe.skipIf(second === undefined)('certificates', () => {
  test('can be exchanged while a WebSocket is open', async () => {
    const { port, gateway } = await start();
    const client = await openWebSocket(port);
    const servedNow = async () => (await handshake(port)).getPeerX509Certificate()?.toString();
    expect(await servedNow()).toBe(first?.cert);
    expect(gateway.certificateExpires).toBe(expiryOf(first));
    gateway.setTls(second ?? { cert: '', key: '' });
    expect(await servedNow()).toBe(second?.cert);
    expect(gateway.certificateExpires).toBe(expiryOf(second));
    expect(client.readyState).toBe(WebSocket.OPEN);
  });

  test('stay as they are when the new ones are wrong', async () => {
    const { port, gateway } = await start();
    const { cert, key } = first ?? { cert: '', key: '' };
    const wrong: [object, string][] = [
      [{ cert, key: second?.key }, 'tls.key: the key is not that of the certificate'],
      [{ cert, key: cert }, 'tls.key: it holds no private key in PEM form'],
      [{ cert, key: encrypted(key) }, 'tls.key: the key is encrypted; take its passphrase away: openssl pkey'],
      [{ cert: 'nonsense', key }, 'tls.cert: the certificate or the key is not in PEM form'],
      [{ cert, key, clientCa: cert }, 'tls: whether clients need a certificate cannot change'],
    ];
    for (const [tls, message] of wrong) expect(() => gateway.setTls(tls as never)).toThrow(message);
    expect((await handshake(port)).getPeerX509Certificate()?.toString()).toBe(cert);
  });

  test('end with the first that ends of those that are shown', () => {
    const gateway = (cert: string) => createServer({ token: 'x'.repeat(32), tls: { cert, key: second?.key ?? '' } });
    const ends = [first, second].map(expiryOf);
    expect(gateway(`${second?.cert}${first?.cert}`).certificateExpires?.getTime()).toBe(Math.min(...ends));
    expect(createServer({ token: 'x'.repeat(32) }).certificateExpires).toBeUndefined();
  });

  test('are for a server that was made with some', async () => {
    const { gateway } = await startGateway();
    expect(() => gateway.setTls(first ?? { cert: '', key: '' })).toThrow('tls: the server was made without it');
  });
});

function expiryOf(pair: TlsOptions | undefined): number {
  return Date.parse(new X509Certificate(pair?.cert ?? '').validTo);
}
