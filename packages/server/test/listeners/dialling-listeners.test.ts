import { expect, test } from 'vitest';
import { createServer } from '../../src/server.js';
import { closeWith, Peer, TOKEN, until } from '../peer.js';
import { AskedListener } from './listening.js';

const BEFORE = { kind: 'tcp', bind: '', port: 0, backlog: 0, name: 'web', takesOver: false, anyPort: false } as const;

/** A server with a listener of one client, and another client. */
async function start(allow: readonly string[]): Promise<{ other: Peer; port: number; listener: AskedListener }> {
  const server = createServer({ token: TOKEN, reverse: true, allow });
  closeWith(() => server.close());
  const { port } = await server.listen({ port: 0 });
  const [owner, other] = [new Peer(1), new Peer(3)];
  for (const peer of [owner, other]) await peer.connect(port);
  const listener = new AskedListener();
  owner.session.listen(BEFORE, listener);
  await until(() => listener.events.length > 0);
  return { other, port: listener.port, listener };
}

test('nobody dials the listener of another past the rules for destinations', async () => {
  const { other, port, listener } = await start([]);
  for (const host of ['127.0.0.1', 'localhost', '::ffff:127.0.0.1']) {
    expect((await other.open(host, port)).outcome).toBe('DENIED');
  }
  expect(listener.channels).toEqual([]);
});

test('who may dial such an address reaches the listener there, as everything else of the server', async () => {
  const { other, port, listener } = await start(['127.0.0.1']);
  expect((await other.open('127.0.0.1', port)).outcome).toBe('open');
  await until(() => listener.channels.length === 1);
});
