import type { Socket } from 'node:net';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { silentLogger } from 'wsproxy-engine';
import { forwardLocal, type LocalPort } from 'wsproxy-node/accept';
import { endAll } from 'wsproxy-test-support/cleanup/at-end';
import { udpDestination } from 'wsproxy-test-support/destinations/udp-destination';
import {
  askConnect,
  askPlain,
  askSocks4a,
  askSocks5,
  connectTo,
  readBytes,
  readHead,
  readToEnd,
} from 'wsproxy-test-support/sockets/application';
import { connectUdp } from 'wsproxy-test-support/sockets/connect-udp';
import { freePort, type Listener, listen } from 'wsproxy-test-support/sockets/listen';
import { TestTunnel } from 'wsproxy-test-support/test-tunnel';
import { until } from 'wsproxy-test-support/until';
import { RemoteProxy } from '../../src/remote/remote-proxy.js';

/** The one address that may be dialled. */
const OPENED = '127.77.0.1';

/** What a connection to the server sees: its bytes come as a channel to a proxy at the client. */
class RemotePort {
  readonly refusals: string[] = [];
  readonly tunnel: TestTunnel;
  readonly #proxy: RemoteProxy;
  #port: LocalPort | undefined;

  constructor(listening: { address: string; port: number }[] = []) {
    this.#proxy = new RemoteProxy({
      allow: [OPENED],
      listening: () => listening,
      logger: silentLogger,
      onRefused: (reason) => this.refusals.push(reason),
    });
    const ends = { peer: { host: '192.0.2.7', port: 50_000 }, local: { host: '127.0.0.1', port: 1_080 } };
    this.tunnel = new TestTunnel((channel) => this.#proxy.takeChannel(channel, ends, () => channel.accept()));
  }

  retire(): void {
    this.#proxy.retire();
  }

  get port(): number {
    return this.#port?.address.port ?? 0;
  }

  async listen(): Promise<void> {
    await this.#proxy.prepare();
    const at = { host: '127.0.0.1', port: 0 };
    this.#port = await forwardLocal(this.tunnel, {
      at,
      target: { host: 'listener.invalid', port: 1 },
      logger: silentLogger,
    });
  }

  async close(): Promise<void> {
    await endAll();
    await this.#port?.close();
    await until('no channel is left', () => this.tunnel.channelCount === 0);
    this.#proxy.retire();
    this.tunnel.close();
  }
}

let remote: RemotePort;

beforeEach(async () => {
  remote = new RemotePort();
  await remote.listen();
});

afterEach(() => remote.close());

const ways = { socks5: askSocks5, socks4a: askSocks4a, connect: askConnect, http: askPlain };
const DENIED = { socks5: 2, socks4a: 91, connect: 403, http: 403 };
const REFUSED = { socks5: 5, socks4a: 91, connect: 502, http: 502 };
const CONNECTED = { socks5: 0, socks4a: 90, connect: 200 };
type Way = keyof typeof ways;
const WAYS = Object.keys(ways) as Way[];

/** Who knocks there is counted, and heard no further. */
async function startCanary(host: string, port?: number): Promise<{ readonly knocks: () => number; port: number }> {
  let knocks = 0;
  const onSocket = (socket: Socket): void => {
    knocks += 1;
    socket.destroy();
  };
  const canary: Listener = await listen(onSocket, { host, ...(port !== undefined && { port }) });
  return { knocks: () => knocks, port: canary.port };
}

describe('an application at the server', () => {
  test.each(['socks5', 'socks4a', 'connect'] as const)(
    'by %s has bytes both ways, and each end by itself',
    async (way) => {
      const { port } = await listen(
        (socket) => {
          const parts: Buffer[] = [];
          socket.on('data', (part: Buffer) => parts.push(part));
          socket.on('end', () => socket.end(Buffer.concat(parts)));
        },
        { host: OPENED },
      );
      const [answer, socket] = await ways[way](remote.port, OPENED, port);
      expect(answer).toBe(CONNECTED[way]);
      const sent = Buffer.alloc(300_000, 'wsproxy ');
      socket.end(sent);
      const parts: Buffer[] = [];
      expect(await readToEnd(socket, (part) => parts.push(part))).toEqual({ bytes: sent.length, by: 'end' });
      expect(Buffer.concat(parts).equals(sent)).toBe(true);
    },
  );

  test('gets the response to a plain request', async () => {
    const { port } = await listen(
      (socket) => socket.once('data', () => socket.end('HTTP/1.1 204 No Content\r\n\r\n')),
      { host: OPENED },
    );
    expect((await askPlain(remote.port, OPENED, port))[0]).toBe(204);
  });

  test.each(WAYS)('by %s is told that a destination has refused', async (way) => {
    expect((await ways[way](remote.port, OPENED, await freePort()))[0]).toBe(REFUSED[way]);
  });

  test('sees a reset of the destination, and resets it', async () => {
    const sockets: Socket[] = [];
    const { port } = await listen((socket) => sockets.push(socket.resume()), { host: OPENED });
    const [, first] = await askSocks5(remote.port, OPENED, port);
    await until('the destination is there', () => sockets.length === 1);
    sockets[0]?.resetAndDestroy();
    expect((await readToEnd(first)).by).toBe('reset');

    const [, second] = await askSocks5(remote.port, OPENED, port);
    await until('the destination is there', () => sockets.length === 2);
    const ending = readToEnd(sockets[1] as Socket);
    second.resetAndDestroy();
    expect((await ending).by).toBe('reset');
  });

  test('whose destination resets after its end sees the end, then the reset', async () => {
    const sockets: Socket[] = [];
    const { port } = await listen((socket) => sockets.push(socket.resume()), { host: OPENED });
    const [, socket] = await askSocks5(remote.port, OPENED, port);
    await until('the destination is there', () => sockets.length === 1);
    sockets[0]?.end('bye');
    expect(await readToEnd(socket)).toEqual({ bytes: 3, by: 'end' });
    sockets[0]?.resetAndDestroy();
    await until('a write fails', () => {
      if (socket.writable) socket.write('anybody?');
      return socket.errored !== null;
    });
  });

  test('cannot associate for UDP: no datagram of its machine comes here', async () => {
    const socket = await connectTo(remote.port);
    socket.write(Buffer.of(5, 1, 0, 5, 3, 0, 1, 0, 0, 0, 0, 0, 0));
    expect([...(await readBytes(socket, 12))]).toEqual([5, 0, 5, 7, 0, 1, 0, 0, 0, 0, 0, 0]);
    expect((await readToEnd(socket)).by).toBe('end');
    expect(remote.refusals).toEqual(['UDP of an application of another machine']);
  });

  test('has UDP by CONNECT-UDP, whose datagrams come in its connection', async () => {
    const destination = await udpDestination({ host: OPENED });
    const answers: string[] = [];
    const { host, port } = destination.peer;
    const { send } = await connectUdp(remote.port, host, port, (data) => answers.push(data.toString()));
    send(Buffer.from('ping'));
    await until('the answer', () => answers.length === 1);
    expect(answers).toEqual(['echo: ping']);
  });
});

test('what has come goes on when nothing more comes', async () => {
  const { port } = await listen((socket) => socket.once('data', (word) => socket.end(word)), { host: OPENED });
  const early = await connectTo(remote.port);
  const [, open] = await askSocks5(remote.port, OPENED, port);
  remote.retire();
  open.write('one');
  expect((await readToEnd(open)).bytes).toBe(3);
  open.end();
  await until('it is over', () => remote.tunnel.channelCount === 2);
  early.write(`CONNECT ${OPENED}:${port} HTTP/1.1\r\nHost: ${OPENED}\r\n\r\n`);
  expect(await readHead(early)).toMatch(/^HTTP\/1\.1 200 /);
  early.end('two');
  expect((await readToEnd(early)).bytes).toBe(3);
});

describe('what the rules do not open', () => {
  test.each(WAYS)('is refused by %s, no matter what leads there, and nothing is dialled', async (way) => {
    const { knocks, port } = await startCanary('127.0.0.1');
    const others = ['10.0.0.1', '169.254.169.254', '192.168.0.1', '100.64.0.1', '0.0.0.0'];
    for (const host of ['127.0.0.1', 'localhost', ...others]) {
      expect([host, (await ways[way](remote.port, host, port))[0]]).toEqual([host, DENIED[way]]);
    }
    expect(knocks()).toBe(0);
  });

  test('is refused for IPv6 and for datagrams too', async () => {
    expect((await askSocks5(remote.port, '::1', 80))[0]).toBe(2);
    const { heard, peer } = await udpDestination();
    await expect(connectUdp(remote.port, peer.host, peer.port, () => {})).rejects.toThrow(/^HTTP\/1\.1 403 /);
    expect(heard).toEqual([]);
  });

  test('is refused in the name of the client, who has the rules', async () => {
    const socket = await connectTo(remote.port);
    socket.write('CONNECT 10.0.0.1:80 HTTP/1.1\r\nHost: 10.0.0.1:80\r\n\r\n');
    await readHead(socket);
    const words: Buffer[] = [];
    await readToEnd(socket, (part) => words.push(part));
    expect(Buffer.concat(words).toString()).toBe('wsproxy-client: 10.0.0.1:80: destination not allowed\n');
  });

  test('is mail to strangers, which a rule opens with its port', async () => {
    expect((await askSocks5(remote.port, OPENED, 25))[0]).toBe(2);
  });

  test('is a port of this process, though a rule opens its address', async () => {
    await remote.close();
    const { knocks, port } = await startCanary(OPENED);
    remote = new RemotePort([{ address: OPENED, port }]);
    await remote.listen();
    expect((await askSocks5(remote.port, OPENED, port))[0]).toBe(2);
    expect(knocks()).toBe(0);
  });
});
