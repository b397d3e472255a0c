import { PassThrough } from 'node:stream';
import { setImmediate as turn } from 'node:timers/promises';
import { describe, expect, test } from 'vitest';
import type { Route } from '../src/cluster/route.js';
import { SessionNews } from '../src/session-news.js';
import { Peer, until } from './peer.js';
import { Together } from './together.js';

const OTHER: Route = { node: 'n', uid: '1'.repeat(12) };

/** One who follows, by streams that the test has. */
function startFollowing() {
  const streams: PassThrough[] = [];
  const told: string[] = [];
  let mayAsk = true;
  const news = new SessionNews({
    ask: async () => {
      if (!mayAsk) throw new Error('no way');
      const stream = new PassThrough();
      streams.push(stream);
      return stream;
    },
    onFollowed: () => told.push('followed'),
    onChange: (user) => told.push(`change of ${user}`),
  });
  news.follow({
    onSession: (event, { user, id }) => told.push(`${event} ${user} ${id}`),
    onMissed: () => told.push('missed'),
  });
  const look = async (): Promise<void> => {
    news.onProcesses([OTHER]);
    await turn();
  };
  return { news, streams, told, look, forbid: () => (mayAsk = false) };
}

const began = '{"event":"began","user":"alice","id":"a1"}\n';

describe('anyone who follows sessions', () => {
  test('is told of those of each process, which is asked once', async () => {
    const { streams, told, look } = startFollowing();
    await look();
    await look();
    for (const byte of began) streams[0]?.write(byte);
    await turn();
    expect([streams.length, told]).toEqual([1, ['missed', 'began alice a1', 'change of alice']]);
  });

  test.each([
    ['is lost', (stream: PassThrough) => stream.destroy(new Error('lost'))],
    ['ends', (stream: PassThrough) => stream.end()],
    ['says what is none', (stream: PassThrough) => stream.write('{"event":"born","user":"alice","id":"a1"}\n')],
    ['says nonsense', (stream: PassThrough) => stream.write('nonsense\n')],
  ])('hears that something was missed when a process %s, which is asked again', async (_what, act) => {
    const { streams, told, look } = startFollowing();
    await look();
    act(streams[0] as PassThrough);
    await until(() => streams[0]?.destroyed === true);
    await turn();
    expect(told).toEqual(['missed', 'missed']);
    await look();
    expect(streams.length).toBe(2);
  });

  test('asks again who could not be asked', async () => {
    const { told, look, forbid } = startFollowing();
    forbid();
    await look();
    await look();
    expect(told).toEqual([]);
  });
});

test('nobody is asked where nobody follows', () => {
  let asked = 0;
  const ask = async (): Promise<PassThrough> => {
    asked += 1;
    return new PassThrough();
  };
  new SessionNews({ ask, onFollowed() {}, onChange() {} }).onProcesses([OTHER]);
  expect(asked).toBe(0);
});

test('a process that does not read is told no more', async () => {
  const { news } = startFollowing();
  const stream = new PassThrough();
  news.serve({ begin: () => stream as never });
  stream.pause();
  for (let i = 0; i < 20_000 && !stream.destroyed; i++) {
    news.tell('began', { user: 'x'.repeat(100), id: String(i) });
  }
  expect(stream.destroyed).toBe(true);
  expect(stream.writableLength).toBeLessThan(1_100_000);
});

test('a server hears of the sessions of another one', async () => {
  const together = new Together();
  const [owner, other] = [await together.start(), await together.start()];
  const told: string[] = [];
  let missed = 0;
  other.server.followSessions({
    onSession: (event, { user, id }) => told.push(`${event} ${user} ${id}`),
    onMissed: () => {
      missed += 1;
    },
  });
  await until(() => missed === 1);
  const peer = new Peer();
  const ws = await peer.connect(owner.port);
  await until(() => told.length === 1);
  ws.terminate();
  await until(() => told.length === 2);
  await peer.connect(owner.port);
  await until(() => told.length === 3);
  owner.server.endSessions('default');
  await until(() => told.length === 4);
  expect(told).toEqual(['began', 'detached', 'resumed', 'over'].map((event) => `${event} default 01010101`));
});
