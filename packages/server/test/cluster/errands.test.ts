import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { beforeEach, expect, test } from 'vitest';
import { type Channel, type Clock, systemClock, systemMemory, TunnelError } from 'wsproxy-engine';
import { FakeClock } from 'wsproxy-engine/testing';
import { ChannelStream } from 'wsproxy-node/relay';
import { Errands, UnreachableError } from '../../src/cluster/errands.js';
import { Neighbours } from '../../src/cluster/neighbours.js';
import { closeWith, until } from '../peer.js';
import { Together } from '../together.js';

const HERE = { node: 'n', uid: '0'.repeat(12) };
const OTHER = { node: 'n', uid: '1'.repeat(12) };
const toStream = (channel: Channel) => new ChannelStream(channel);

let clock: FakeClock;
let neighbours: Neighbours;
let errands: Errands;
let hasRoom: boolean;
let taken: number;

function begin(by: Clock): void {
  errands = new Errands({
    ...{ neighbours, clock: by, memory: systemMemory, secureContext: () => undefined },
    guard: {
      takeConnection: () => {
        taken += 1;
        return hasRoom;
      },
    },
  });
}

beforeEach(() => {
  const folder = mkdtempSync(join(tmpdir(), 'w-'));
  closeWith(() => rmSync(folder, { recursive: true }));
  clock = new FakeClock();
  [hasRoom, taken] = [true, 0];
  neighbours = new Neighbours(HERE);
  neighbours.workers = folder;
  begin(clock);
  closeWith(() => errands.close());
});

/** Stands where the other process would. */
async function fakeProcess(onConnection: (socket: Socket) => void): Promise<Socket[]> {
  const sockets: Socket[] = [];
  const server = createServer((socket) => {
    sockets.push(socket.on('error', () => {}));
    closeWith(() => socket.destroy());
    onConnection(socket);
  });
  server.listen(join(neighbours.workers ?? '', OTHER.uid));
  closeWith(() => server.close());
  await once(server, 'listening');
  return sockets;
}

const send = (route = OTHER): Promise<unknown> => errands.send(route, { kind: 'sessions' }, toStream);

test.each([
  ['that is gone', OTHER],
  ['that nobody knows', { node: 'x', uid: OTHER.uid }],
  ['that is this one', HERE],
])('a process %s cannot be reached', async (_what, route) => {
  await expect(send(route)).rejects.toThrow(UnreachableError);
});

test('a process that says nothing is not waited for', async () => {
  const sockets = await fakeProcess((socket) => socket.resume());
  const sent = send();
  await until(() => sockets.length === 1);
  clock.advance(4_999);
  clock.advance(1);
  await expect(sent).rejects.toThrow(UnreachableError);
  await until(() => sockets[0]?.destroyed === true);
});

test('the answer of another process than was asked does not count', async () => {
  const sockets = await fakeProcess((socket) => {
    const answer = 'HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n';
    socket.once('data', () => socket.write(`${answer}Wsproxy-Route: n.222222222222\r\n\r\n`));
  });
  await expect(send()).rejects.toThrow(UnreachableError);
  await until(() => sockets[0]?.destroyed === true);
});

test('where there may be no more sockets nobody is asked', async () => {
  hasRoom = false;
  await fakeProcess(() => {});
  await expect(send()).rejects.toThrow(UnreachableError);
});

test('anyone who follows the news of a process does not keep it from retiring', async () => {
  const together = new Together();
  begin(systemClock);
  const { server } = await together.start();
  neighbours.workers = together.folder;
  const news = await errands.send({ node: 'n', uid: server.route.slice(2) }, { kind: 'sessions' }, toStream);
  closeWith(() => news.destroy());
  await server.retire(3_600_000);
  expect(news.destroyed).toBe(false);
});

test('errands that go to one process share one connection, and what is not understood is refused', async () => {
  const together = new Together();
  begin(systemClock);
  const { server } = await together.start();
  neighbours.workers = together.folder;
  const uid = server.route.slice(2);
  const errand = { kind: 'of a later version' } as unknown as { kind: 'sessions' };
  const refused = await Promise.allSettled([1, 2, 3].map(() => errands.send({ node: 'n', uid }, errand, toStream)));
  const refusal = { status: 'rejected', reason: new TunnelError('UNSUPPORTED') };
  expect(refused).toEqual([refusal, refusal, refusal]);
  expect(taken).toBe(1);
  // Nobody has a session here.
  expect([server.sessionCount, server.passedOn]).toEqual([0, 0]);
});
