import { createSocket, type Socket as UdpSocket } from 'node:dgram';
import { once } from 'node:events';
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net';
import { afterEach, describe, expect, test } from 'vitest';
import type { Flow, Target } from 'wsproxy-engine';
import { Recorder } from 'wsproxy-test-support/engine/recorder';
import { DirectTunnel } from '../../src/tunnel/direct-tunnel.js';

const tunnel = new DirectTunnel();
const servers = new Set<Server>();
const echoes: UdpSocket[] = [];

afterEach(async () => {
  tunnel.close();
  for (const socket of echoes.splice(0)) socket.close();
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

  test('holds back anyone who writes while the destination does not read', async () => {
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

describe('a flow past the tunnel', () => {
  /** Answers each datagram with what came; its port. */
  async function startEcho(): Promise<number> {
    const socket = createSocket('udp4', (data, { port, address }) => socket.send(`echo ${data}`, port, address));
    echoes.push(socket);
    await once(socket.bind(0, '127.0.0.1'), 'listening');
    return socket.address().port;
  }

  /** What is told of a flow, and what it brings. */
  function openFlow(target: Target | undefined): { flow: Flow; events: string[] } {
    const events: string[] = [];
    const flow = tunnel.openFlow(target, {
      onOpen: () => events.push('open'),
      onFail: (code) => events.push(`fail ${code}`),
    });
    flow.start({ onDatagram: (data, from) => events.push(`${Buffer.from(data)} from ${from?.host}`) });
    return { flow, events };
  }

  test('carries datagrams to any peer, by address and by name, and back', async () => {
    const port = await startEcho();
    const { flow, events } = openFlow(undefined);
    for (const host of ['127.0.0.1', 'localhost']) {
      flow.send(Buffer.from('ask'), { host, port });
      await until(() => events.includes(`echo ask from ${host}`));
    }
    expect(events).toEqual(['open', 'echo ask from 127.0.0.1', 'echo ask from localhost']);
    flow.close();
    await tunnel.whenIdle();
  });

  test('carries what is sent before it is open, of any size, once another one was', async () => {
    const target = { host: '127.0.0.1', port: await startEcho() };
    const first = openFlow(target);
    await until(() => first.events.includes('open'));
    const { flow, events } = openFlow(target);
    flow.send(Buffer.alloc(20_000, 'a'));
    await until(() => events.some((each) => each.length > 20_000));
    first.flow.close();
    flow.close();
  });

  test('carries datagrams to one peer, and is told when there is none', async () => {
    const { flow, events } = openFlow({ host: '127.0.0.1', port: await startEcho() });
    flow.send(Buffer.from('ask'));
    await until(() => events.length === 2);
    expect(events).toEqual(['open', 'echo ask from undefined']);
    const nobody = openFlow({ host: 'no-such-host.invalid', port: 53 });
    await until(() => nobody.events.length === 1);
    expect(nobody.events[0]).toMatch(/^fail NAME_(NOT_FOUND|LOOKUP_FAILED|LOOKUP_TIMEOUT)$/);
  });
});

describe('a tunnel with rules', () => {
  test('dials what they allow, in its turn, and nothing for who has gone meanwhile', async () => {
    const waiting: (() => void)[] = [];
    const aborted: unknown[] = [];
    const bound = new DirectTunnel({
      allow: ['127.0.0.1'],
      listening: () => [],
      inTurn: async (dial, signal) => {
        await new Promise<void>((resolve, reject) => {
          waiting.push(resolve);
          signal.addEventListener('abort', () => {
            aborted.push(signal.reason);
            reject(signal.reason);
          });
        });
        return dial();
      },
    });
    let sockets = 0;
    const port = await listen((socket) => {
      sockets += 1;
      socket.end('there');
    });
    const ask = (host: string): Recorder => {
      const log = new Recorder();
      return log.take(bound.open({ host, port }, log));
    };
    const [first, denied, gone] = [ask('127.0.0.1'), ask('127.0.0.2'), ask('127.0.0.1')];
    await until(() => waiting.length === 3);
    expect([first.events, denied.events, sockets]).toEqual([[], [], 0]);
    gone.channel.reset();
    await until(() => aborted.length === 1);
    for (const begin of waiting) begin();
    await until(() => first.text === 'there' && denied.events.length === 1);
    expect([denied.events, sockets]).toEqual([['fail DENIED'], 1]);
    first.channel.end();
    await bound.whenIdle();
    bound.close();
  });
});
