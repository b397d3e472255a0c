import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { connect as connectTcp, createServer as createNetServer, type Socket } from 'node:net';
import { text } from 'node:stream/consumers';
import { setImmediate as turn } from 'node:timers/promises';
import { connect, type TLSSocket } from 'node:tls';
import { describe, expect, test, vi } from 'vitest';
import { WebSocket } from 'ws';
import type { ServerOptions } from '../src/options/server-options.js';
import { createServer, type Server } from '../src/server.js';
import { makeCertificate } from './gateway/make-certificate.js';
import { closeWith, Peer, startDestination, TOKEN, until } from './peer.js';

/** Somebody who listens, and gives what comes to one of `servers` after the other. */
async function handTo(...servers: Server[]): Promise<number> {
  let count = 0;
  const door = createNetServer({ pauseOnConnect: true }, (socket: Socket) => {
    servers[count % servers.length]?.handleConnection(socket);
    count += 1;
  });
  door.listen(0, '127.0.0.1');
  await once(door, 'listening');
  closeWith(async () => {
    await Promise.all(servers.map((server) => server.close()));
    door.close();
  });
  const address = door.address();
  return address !== null && typeof address === 'object' ? address.port : 0;
}

const make = (options: Partial<ServerOptions> = {}): Server => createServer({ token: TOKEN, ...options });

describe('a server that is handed connections', () => {
  test('serves them as if it had accepted them', async () => {
    const server = make();
    const port = await handTo(server);
    const peer = new Peer();
    await peer.connect(port);
    expect([server.sessionCount, server.isReady, peer.session.attached]).toEqual([1, true, true]);
  });

  test('is closed when the last of them has gone, and takes none any more', async () => {
    const server = make();
    const port = await handTo(server);
    const ws = await new Peer().connect(port);
    const closed = once(ws, 'close');
    expect(await server.close()).toBe(0);
    expect((await closed)[0]).toBe(1000);
    await expect(new Peer().connect(port)).rejects.toThrow(/hang up/);
  });

  test('retires when its last channel is over, and keeps those who come back until then', async () => {
    const server = make({ allowPrivate: true });
    const port = await handTo(server);
    const peer = new Peer();
    await peer.connect(port);
    const channel = await peer.open('127.0.0.1', await startDestination());
    expect(channel.outcome).toBe('open');
    let isOver = false;
    const retiring = server.retire(60_000).then(() => {
      isOver = true;
    });
    await until(() => peer.goAways.includes('drain'));
    expect([isOver, server.sessionCount]).toEqual([false, 1]);
    channel.channel.reset('CANCELLED');
    peer.session.leave('it has another one');
    await retiring;
    expect(server.channelCount).toBe(0);
  });

  test('that retires still answers those who had come before, though it has no session', async () => {
    const server = make();
    const handle = vi.spyOn(server, 'handleConnection');
    const port = await handTo(server);
    const visitor = connectTcp({ port, host: '127.0.0.1', allowHalfOpen: true });
    closeWith(() => visitor.destroy());
    visitor.write('GET /nowhere HTTP/1.1\r\n');
    await until(() => handle.mock.calls.length === 1);
    const retiring = server.retire(60_000).then(() => server.close());
    visitor.end('Host: here\r\n\r\n');
    expect(await text(visitor)).toMatch(/^HTTP\/1.1 404 /);
    await retiring;
  });

  test('that retires turns away those who are about to greet, so that they begin elsewhere', async () => {
    const server = make();
    const port = await handTo(server);
    const ws = new WebSocket(`ws://127.0.0.1:${port}/`, ['wsproxy.v1'], {
      headers: { authorization: `Bearer ${TOKEN}` },
    });
    closeWith(() => ws.terminate());
    await once(ws, 'open');
    let isOver = false;
    const retiring = server.retire(60_000).then(async () => {
      isOver = true;
      await server.close();
    });
    await turn();
    expect(isOver).toBe(false);
    const closed = once(ws, 'close');
    const said = once(ws, 'message');
    // HELLO of version 1, with the id 09..., the secret 02... and no grace; then GOAWAY (PROTOCOL.md, section 3).
    ws.send(Buffer.from(`8000003800000000${'01000000'}${'09'.repeat(16)}${'02'.repeat(32)}${'00'.repeat(4)}`, 'hex'));
    expect((await said)[0][0]).toBe(0x86);
    expect((await closed)[0]).toBe(1012);
    await retiring;
  });

  test('answers those who ask for a host name, once it has names', async () => {
    const server = make({ reverse: true });
    const door = createNetServer({ pauseOnConnect: true }, (socket) => server.handleReverseHttpConnection(socket));
    door.listen(0, '127.0.0.1');
    await once(door, 'listening');
    const { port } = door.address() as { port: number };
    closeWith(async () => {
      await server.close();
      door.close();
    });
    const answer = async (): Promise<string> => {
      const visitor = connectTcp(port, '127.0.0.1');
      closeWith(() => visitor.destroy());
      visitor.write('GET / HTTP/1.1\r\nHost: app.example.org\r\nConnection: close\r\n\r\n');
      return text(visitor);
    };
    expect(await answer().catch(({ code }) => code)).toMatch(/^(ECONNRESET)?$/);
    expect(await server.listenReverseHttp()).toBeUndefined();
    expect(await answer()).toMatch(/^HTTP\/1.1 404 /);
  });

  test('that retires for long ends within the time of close', async () => {
    const server = make({ allowPrivate: true });
    const port = await handTo(server);
    const peer = new Peer();
    await peer.connect(port);
    expect((await peer.open('127.0.0.1', await startDestination())).outcome).toBe('open');
    const retiring = server.retire(3_600_000);
    expect(await server.close({ drain: 50 })).toBe(1);
    await retiring;
  });
});

const tls = makeCertificate();

describe.skipIf(tls === undefined)('two servers with the same ticket keys', () => {
  async function resumes(...servers: Server[]): Promise<boolean> {
    const port = await handTo(...servers);
    const open = (session?: Buffer): TLSSocket => {
      const socket = connect({ port, host: '127.0.0.1', rejectUnauthorized: false, ...(session && { session }) });
      closeWith(() => socket.destroy());
      socket.write('GET / HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n');
      socket.resume();
      return socket;
    };
    const [session] = (await once(open(), 'session')) as [Buffer];
    const second = open(session);
    await once(second, 'secureConnect');
    return second.isSessionReused();
  }
  const pair = () =>
    [make({ tls: tls ?? { cert: '', key: '' } }), make({ tls: tls ?? { cert: '', key: '' } })] as const;

  test("resume each other's TLS sessions, also after the certificate was exchanged", async () => {
    const servers = pair();
    const keys = randomBytes(48);
    for (const server of servers) server.setTicketKeys(keys);
    servers[1].setTls(tls ?? { cert: '', key: '' });
    expect(await resumes(...servers)).toBe(true);
  });

  test('without them do not', async () => {
    expect(await resumes(...pair())).toBe(false);
  });
});
