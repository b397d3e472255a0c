import { once } from 'node:events';
import type { Socket } from 'node:net';
import { expect, test } from 'vitest';
import { systemClock } from 'wsproxy-engine';
import { HttpAcceptor } from 'wsproxy-node/transports';
import { newMemory } from 'wsproxy-test-support/engine/new-memory';
import type { GatewayOptions } from '../../src/gateway/gateway-options.js';
import {
  closeOf,
  type Fixture,
  type Headers,
  openSocket,
  plain,
  startGateway,
  statusOf,
  token,
  upgradeRaw,
} from './gateway-fixture.js';

const ID = 'AAAAAAAAAAAAAAAAAAAAAA';

/** The text of a request for the transport. */
function part(what: string, changes: Headers = {}): string {
  const headers = { 'Wsproxy-Transport': `${ID};${what}`, 'Content-Length': '0', ...changes };
  return plain(headers, 'POST /tunnel HTTP/1.1');
}

/** A gateway for transports over HTTP, and a connection on which one was opened, with the answer. */
async function startKept(handshakeTimeout = 10_000, more: Partial<GatewayOptions> = {}) {
  const acceptors = [new HttpAcceptor({ memory: newMemory(), clock: systemClock })];
  const fixture = await startGateway({ handshakeTimeout }, '/tunnel', { acceptors, ...more });
  const socket = openSocket(fixture.port);
  return { ...fixture, socket, answer: await ask(socket, part('open-poll')) };
}

async function ask(socket: Socket, request: string): Promise<string> {
  socket.write(request);
  const [chunk] = await once(socket, 'data');
  return String(chunk);
}

test('a connection whose request was let in brings the next one', async () => {
  const { socket, answer } = await startKept();
  expect(answer).toMatch(/^HTTP\/1\.1 200 .*\r\nConnection: keep-alive\r\n/s);
  expect(statusOf(await ask(socket, part('piece=1')))).toBe(204);
  expect(statusOf(await ask(socket, part('piece=2')))).toBe(204);
});

test('the parts of a transport with the Authorization that has opened it outlive an outage of what judges', async () => {
  let asked = 0;
  const authenticate = () => {
    asked += 1;
    if (asked > 1) throw new Error('out of order');
    return { id: 'ada' };
  };
  const { socket, refused } = await startKept(10_000, { authenticate });
  expect(statusOf(await ask(socket, part('piece=1')))).toBe(204);
  expect(statusOf(await ask(socket, part('piece=2')))).toBe(204);
  expect(asked).toBe(1);
  const closed = closeOf(socket);
  expect(statusOf(await ask(socket, part('piece=3', { Authorization: 'Bearer another' })))).toBe(503);
  await closed;
  expect(refused).toEqual([503]);
});

test.each<[string, string, Headers]>([
  ['none', 'piece=1', { Authorization: undefined }],
  ['two of them', 'piece=1', { Authorization: [`Bearer ${token}`, `Bearer ${token}`] }],
  ['that of a page', 'piece=1', { Origin: 'https://example.org' }],
  ['the same for a transport that is not here', 'piece=1', { 'Wsproxy-Transport': 'BAAAAAAAAAAAAAAAAAAAAA;piece=1' }],
  ['the same to open one', 'open', { 'Wsproxy-Transport': 'BAAAAAAAAAAAAAAAAAAAAA;open' }],
])('a request with %s is judged', async (_, what, changes) => {
  let isUp = true;
  const authenticate = () => (isUp ? { id: 'ada' } : undefined);
  const { socket } = await startKept(10_000, { authenticate });
  isUp = false;
  expect(statusOf(await ask(socket, part(what, changes)))).toBeGreaterThanOrEqual(400);
  expect(statusOf(await ask(openSocket(socket.remotePort as number), part('piece=1')))).toBe(204);
});

test('each request of a connection is judged anew', async () => {
  const { socket, refused } = await startKept();
  const closed = closeOf(socket);
  const answer = await ask(socket, part('piece=1', { Authorization: 'Bearer of-somebody-else' }));
  expect(answer).toMatch(/^HTTP\/1\.1 401 .*\r\nConnection: close\r\n/s);
  await closed;
  expect(refused).toEqual([401]);
});

test('what is no request at all is refused on a connection that was kept, as on a new one', async () => {
  const { socket, refused } = await startKept();
  const closed = closeOf(socket);
  expect(statusOf(await ask(socket, 'no request at all\r\n\r\n'))).toBe(400);
  await closed;
  expect(refused).toEqual([400]);
});

test.each([
  ['nothing', ''],
  ['half a head', 'POST /tunnel HTTP/1.1\r\nHost: proxy.exa'],
])('a connection that brings %s afterwards is closed in time', async (_, bytes) => {
  const { socket, refused } = await startKept(100);
  const closed = closeOf(socket);
  socket.write(bytes);
  await closed;
  expect(refused).toEqual([]);
});

test('a connection that asks for more before it has its answer gets that answer, and closes', async () => {
  const { socket, transports } = await startKept();
  const closed = closeOf(socket);
  let answers = '';
  socket.on('data', (chunk) => {
    answers += chunk;
  });
  socket.write(part('poll=1') + part('poll=2'));
  transports[0]?.transport.send([Buffer.from('news')]);
  await closed;
  expect(answers.match(/^HTTP\/1\.1 .*/gm)).toEqual(['HTTP/1.1 200 OK']);
  expect(answers).toContain('news');
});

test('a connection that is kept takes no place of those that wait, and closes with the gateway', async () => {
  const { gateway, socket, transports } = await startKept();
  await gateway.settled(60_000);
  expect(socket.destroyed).toBe(false);
  const closed = closeOf(socket);
  transports[0]?.transport.terminate();
  await Promise.all([gateway.close(), closed]);
});

test('as many connections are kept as may wait, and the oldest one has to go', async () => {
  const acceptors = [new HttpAcceptor({ memory: newMemory(), clock: systemClock })];
  const { port } = await startGateway({ pendingConnections: 2 }, '/tunnel', { acceptors });
  const sockets = [openSocket(port), openSocket(port), openSocket(port)] as const;
  const closed = closeOf(sockets[0]);
  for (const [i, socket] of sockets.entries()) {
    const id = ID.replace(/^A/, String(i));
    expect(statusOf(await ask(socket, part('open-poll', { 'Wsproxy-Transport': `${id};open-poll` })))).toBe(200);
  }
  await closed;
  expect(sockets.map(({ destroyed }) => destroyed)).toEqual([true, false, false]);
});

test('one user who has all of them costs nobody else a connection', async () => {
  const acceptors = [new HttpAcceptor({ memory: newMemory(), clock: systemClock })];
  const authenticate: GatewayOptions['authenticate'] = ({ headers }) => ({ id: String(headers.authorization) });
  const { port } = await startGateway({ pendingConnections: 2 }, '/tunnel', { acceptors, authenticate });
  const sockets = [openSocket(port), openSocket(port), openSocket(port)] as const;
  const closed = closeOf(sockets[1]);
  for (const [i, socket] of sockets.entries()) {
    const id = ID.replace(/^A/, String(i));
    const user = i === 0 ? 'ada' : 'eve';
    const headers = { Authorization: user, 'Wsproxy-Transport': `${id};open-poll` };
    expect(statusOf(await ask(socket, part('open-poll', headers)))).toBe(200);
  }
  await closed;
  expect(sockets.map(({ destroyed }) => destroyed)).toEqual([false, true, false]);
});

test('the parts that are handed on outlive an outage of what judges, once one of them was', async () => {
  let isUp = true;
  let asked = 0;
  const authenticate = () => {
    asked += 1;
    if (!isUp) throw new Error('out of order');
    return { id: 'ada' };
  };
  const users: string[] = [];
  const { port } = await startKept(10_000, {
    authenticate,
    handOn: ({ arrival, isPart, user, leaveDoor }) => {
      if (!isPart || !('response' in arrival)) return 'here';
      users.push(user.id);
      arrival.response.shouldKeepAlive = false;
      leaveDoor();
      arrival.response.writeHead(204).end();
      return 'answered';
    },
  });
  const there = { 'Wsproxy-Transport': 'BAAAAAAAAAAAAAAAAAAAAA;piece=1' };
  expect(statusOf(await ask(openSocket(port), part('piece=1', there)))).toBe(204);
  isUp = false;
  const before = asked;
  expect(statusOf(await ask(openSocket(port), part('piece=1', there)))).toBe(204);
  expect(asked).toBe(before);
  expect(users).toEqual(['ada', 'ada']);
  const another = { ...there, Authorization: 'Bearer another' };
  expect(statusOf(await ask(openSocket(port), part('piece=1', another)))).toBe(503);
  const elsewhere = { 'Wsproxy-Transport': 'CAAAAAAAAAAAAAAAAAAAAA;piece=1' };
  expect(statusOf(await ask(openSocket(port), part('piece=1', elsewhere)))).toBe(503);
});

test('of many who are let in at once no more come in than there is room for', async () => {
  let letIn = (): void => {};
  const gate = new Promise<void>((resolve) => {
    letIn = resolve;
  });
  let waiting = 0;
  const turnedAway: string[] = [];
  const fixture: Fixture = await startGateway({}, '/tunnel', {
    authenticate: async () => {
      waiting += 1;
      if (waiting === 6) letIn();
      await gate;
      return { id: 'ada' };
    },
    hasRoom: async () => fixture.transports.length < 2,
    isFull: () => fixture.transports.length >= 2,
    onTurnedAway: ({ url }) => turnedAway.push(String(url)),
  });
  const answers = await Promise.all(Array.from({ length: 6 }, () => upgradeRaw(fixture.port)));
  expect(answers.map(({ head }) => statusOf(head)).sort()).toEqual([101, 101, 429, 429, 429, 429]);
  expect(turnedAway).toHaveLength(4);
});

test('a connection that goes on asking before it has its answer is cut', async () => {
  const { socket } = await startKept();
  const closed = closeOf(socket);
  socket.write(part('poll=1'));
  const timer = setInterval(() => socket.write(part('poll=2')), 5);
  await closed;
  clearInterval(timer);
});

test('so is one whose answer has no end, with the first such request', async () => {
  const acceptors = [new HttpAcceptor({ memory: newMemory(), clock: systemClock })];
  const { port } = await startGateway({}, '/tunnel', { acceptors });
  const socket = openSocket(port);
  const closed = closeOf(socket);
  await ask(socket, part('open'));
  socket.write(part('piece=1'));
  await closed;
});

test('a request that was handed on leaves nothing that comes behind it to anybody, and its cut is no broken request', async () => {
  let handedOn = 0;
  const { socket, refused, logs } = await startKept(10_000, {
    handOn: ({ arrival, leaveDoor }) => {
      if (!('response' in arrival)) return 'here';
      handedOn += 1;
      arrival.response.shouldKeepAlive = false;
      arrival.response.writeHead(200).write('handed on');
      leaveDoor();
      return 'answered';
    },
  });
  const closed = closeOf(socket);
  socket.write(part('open').repeat(20));
  await closed;
  expect(handedOn).toBe(1);
  expect(refused).toEqual([]);
  expect(logs).toEqual([]);
});
