import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { describe, expect, test } from 'vitest';
import { createServer, type Server } from '../../src/server.js';
import { closeWith, Peer, TOKEN, until } from '../peer.js';
import { AskedListener } from './listening.js';

/** A server with a client that has a listener. */
async function start(): Promise<{ server: Server; peer: Peer; listener: AskedListener }> {
  const server = createServer({ token: TOKEN, reverse: true });
  closeWith(() => server.close());
  const { port } = await server.listen({ port: 0 });
  const peer = new Peer();
  await peer.connect(port);
  const listener = new AskedListener();
  const request = {
    kind: 'tcp',
    bind: '',
    port: 0,
    backlog: 0,
    name: 'web',
    takesOver: false,
    anyPort: false,
  } as const;
  peer.session.listen(request, listener);
  await until(() => listener.events.length > 0);
  return { server, peer, listener };
}

function visit(port: number): Socket {
  const socket = connect({ port, host: '127.0.0.1', allowHalfOpen: true });
  closeWith(() => socket.destroy());
  return socket;
}

async function echo(socket: Socket, words: string): Promise<string> {
  socket.write(words);
  const [answer] = await once(socket, 'data');
  return String(answer);
}

describe('a server', () => {
  test('that drains keeps its listeners while clients look for another, and gives them up before its end', async () => {
    const { server, peer, listener } = await start();
    // There would be nothing to wait for.
    const running = visit(listener.port);
    expect(await echo(running, 'a')).toBe('a');
    const closing = server.close({ drain: 1_500 });
    await until(() => peer.goAways.includes('drain'));
    const late = visit(listener.port);
    expect(await echo(late, 'still')).toBe('still');
    await until(() => listener.events.length > 1);
    expect(listener.events).toEqual(['listening', 'over GOING_AWAY']);
    await expect(once(visit(listener.port), 'connect')).rejects.toMatchObject({ code: 'ECONNREFUSED' });
    expect(await echo(running, 'b')).toBe('b');
    for (const socket of [running, late]) socket.end();
    expect(await closing).toBe(0);
  });

  test('that is closed leaves no port behind', async () => {
    const { server, listener } = await start();
    await server.close();
    await expect(once(visit(listener.port), 'connect')).rejects.toMatchObject({ code: 'ECONNREFUSED' });
  });
});
