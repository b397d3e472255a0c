import { once } from 'node:events';
import { describe, expect, test } from 'vitest';
import type { Authenticate } from '../../src/gateway/authenticate.js';
import { closeOf, exchange, plain, startGateway, statusOf, upgrade, upgradeRaw } from './gateway-fixture.js';

const alice = { id: 'alice' };

async function startWith(authenticate: Authenticate, handshakeTimeout = 10_000) {
  const hits: string[] = [];
  const guard = { takeConnection: () => true, hit: (limit: string) => void hits.push(limit) };
  const fixture = await startGateway({ handshakeTimeout }, '/tunnel', { authenticate, guard });
  const errors = () => fixture.logs.filter(({ level }) => level === 'error').map(({ message }) => message);
  return { ...fixture, hits, errors };
}

describe('anyone who is to be authenticated', () => {
  test('is judged by the request, in as much time as that takes', async () => {
    const { port, transports } = await startWith(async ({ headers }) => {
      await new Promise((resolve) => setImmediate(resolve));
      return headers.cookie === 'session=alice' ? alice : undefined;
    });
    const Authorization = undefined;
    expect(statusOf((await upgradeRaw(port, upgrade({ Authorization, Cookie: 'session=alice' }))).head)).toBe(101);
    expect(statusOf(await exchange(port, upgrade({ Authorization, Cookie: 'session=eve' })))).toBe(401);
    expect(statusOf(await exchange(port, plain({ Authorization, Cookie: 'session=alice' })))).toBe(426);
    expect(transports.map(({ user }) => user)).toEqual([alice]);
  });

  test('may have any fields besides those of a user', async () => {
    const user = { id: 'alice', status: 'active', isStranger: true };
    const { port, transports } = await startWith(() => user);
    expect(statusOf((await upgradeRaw(port)).head)).toBe(101);
    expect(transports.map((entry) => entry.user)).toEqual([user]);
  });

  test.each<[string, Authenticate]>([
    ['throws', () => JSON.parse('nonsense')],
    ['rejects', () => Promise.reject(new Error('the database is away'))],
  ])('is sent away for a while when that %s', async (_what, authenticate) => {
    const { port, transports, refused, errors } = await startWith(authenticate);
    expect(statusOf(await exchange(port, upgrade()))).toBe(503);
    expect([transports, refused, errors()]).toEqual([[], [503], ['authentication failed']]);
  });

  test('is sent away, and a limit was hit, when it takes longer than an upgrade may', async () => {
    const { port, hits, errors } = await startWith(() => new Promise(() => {}), 100);
    expect(statusOf(await exchange(port, upgrade()))).toBe(503);
    expect([hits, errors()]).toEqual([['upgradeTimeout'], ['authentication took too long']]);
  });

  test('and has gone meanwhile, is forgotten', async () => {
    let answer: (user: undefined) => void = () => {};
    let asked: () => void = () => {};
    const isAsked = new Promise<void>((resolve) => {
      asked = resolve;
    });
    const { port, transports, refused, gateway } = await startWith(() => {
      asked();
      return new Promise((resolve) => {
        answer = resolve;
      });
    });
    const connection = once(gateway.server, 'connection');
    const client = upgradeRaw(port).catch(() => {});
    const [socket] = await connection;
    await isAsked;
    socket.destroy();
    await closeOf(socket);
    answer(undefined);
    await new Promise((resolve) => setImmediate(resolve));
    expect([transports, refused]).toEqual([[], []]);
    void client;
  });

  test('is asked once for a connection, no matter what is pipelined behind', async () => {
    let asked = 0;
    const { port } = await startWith(async () => {
      asked += 1;
      return undefined;
    });
    const answer = await exchange(port, plain().repeat(3) + upgrade());
    expect([answer.match(/HTTP\/1\.1 \d+/g), asked]).toEqual([['HTTP/1.1 401'], 1]);
  });
});
