import { once } from 'node:events';
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net';
import { afterEach, describe, expect, test } from 'vitest';
import { Recorder } from 'wsproxy-test-support/engine/recorder';
import { DirectTunnel } from '../../src/tunnel/direct-tunnel.js';

const tunnel = new DirectTunnel();
const servers = new Set<Server>();

afterEach(async () => {
  tunnel.close();
  for (const server of servers) server.close();
  await Promise.all([...servers].map((server) => once(server, 'close')));
  servers.clear();
});

/** A destination on this machine that does this with each connection; its port. */
async function listen(onSocket: (socket: Socket) => void): Promise<number> {
  const server = createServer({ allowHalfOpen: true }, (socket) => {
    socket.on('error', () => {});
    // Node 20 and 22 report a reset that comes together with data as an end.
    socket.on('end', () => {
      if (socket.remoteAddress === undefined) socket.destroy();
    });
    onSocket(socket);
  });
  servers.add(server);
  await once(server.listen(0, '127.0.0.1'), 'listening');
  return (server.address() as AddressInfo).port;
}

function open(port: number, host = '127.0.0.1'): Recorder {
  const log = new Recorder();
  return log.take(tunnel.open({ host, port }, log));
}

const until = (condition: () => boolean): Promise<void> => expect.poll(condition, { timeout: 10_000 }).toBe(true);

describe('a channel past the tunnel', () => {
  test.each(['127.0.0.1', 'localhost'])('to %s carries bytes both ways, and each end by itself', async (host) => {
    const near = open(await listen((socket) => socket.pipe(socket)), host);
    near.channel.write(Buffer.from('early'));
    await until(() => near.text === 'early');
    near.channel.end();
    await until(() => near.events.includes('end'));
    expect(near.events).toEqual(['open', 'data', 'end']);
  });

  test('is told what a server would tell: refused, and nobody there', async () => {
    const port = await listen(() => {});
    for (const server of servers) server.close();
    const [refused, unknown] = [open(port), open(80, 'no-such-host.invalid')];
    await until(() => refused.events.length + unknown.events.length === 2);
    expect(refused.events).toEqual(['fail CONNECTION_REFUSED']);
    expect(unknown.events[0]).toMatch(/^fail NAME_(NOT_FOUND|LOOKUP_FAILED|LOOKUP_TIMEOUT)$/);
  });

  test('is reset when the destination resets, and resets it', async () => {
    const ends: string[] = [];
    const sockets: Socket[] = [];
    const port = await listen((socket) => {
      sockets.push(socket);
      socket.on('error', ({ code }: NodeJS.ErrnoException) => ends.push(String(code)));
      socket.resume();
    });
    const [first, second] = [open(port), open(port)];
    await until(() => sockets.length === 2 && first.events.length + second.events.length === 2);
    sockets[0]?.resetAndDestroy();
    await until(() => [first, second].some(({ events }) => events.includes('reset CONNECTION_RESET')));
    for (const { channel } of [first, second]) channel.reset();
    await until(() => ends.includes('ECONNRESET'));
  });

  test('given up before it is open leaves no connection', async () => {
    const near = open(await listen((socket) => socket.resume()));
    near.channel.reset();
    await tunnel.whenIdle();
    expect(near.events).toEqual([]);
  });

  test('holds back whoever writes while the destination does not read', async () => {
    let far: Socket | undefined;
    const near = open(
      await listen((socket) => {
        far = socket.pause();
      }),
    );
    await until(() => far !== undefined);
    const piece = Buffer.alloc(64 * 1024);
    let written = 0;
    const fill = (): void => {
      for (let more = true; more && written < 400; written += 1) more = near.channel.write(piece);
    };
    near.onWritable = fill;
    fill();
    expect(written).toBeLessThan(400);
    far?.resume();
    await until(() => written === 400);
  });
});

describe('whenIdle', () => {
  test('resolves at once without channels, and otherwise when the last one is over', async () => {
    await tunnel.whenIdle();
    const near = open(await listen((socket) => socket.pipe(socket)));
    let isIdle = false;
    const idle = tunnel.whenIdle().then(() => {
      isIdle = true;
    });
    await until(() => near.events.includes('open'));
    expect(isIdle).toBe(false);
    near.channel.end();
    await idle;
    expect(near.events).toEqual(['open', 'end']);
  });
});

test('close resets every channel; the next one begins anew', async () => {
  const port = await listen((socket) => socket.pipe(socket));
  const near = open(port);
  await until(() => near.events.includes('open'));
  tunnel.close();
  expect(near.events).toEqual(['open', 'reset CANCELLED']);
  const next = open(port);
  await until(() => next.events.includes('open'));
});
