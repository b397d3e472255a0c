import { createHash } from 'node:crypto';
import type { Socket } from 'node:net';
import { describe, expect, test } from 'vitest';
import { startSource } from 'wsproxy-test-support/destinations/source';
import { TOKEN } from 'wsproxy-test-support/programs/command-line';
import { readToEnd } from 'wsproxy-test-support/sockets/application';
import { connectionsTo } from 'wsproxy-test-support/sockets/kernel-sockets';
import { until } from 'wsproxy-test-support/until';
import { frame, hello, key, open, Type, u64 } from 'wsproxy-test-support/wire/hand-written-frames';
import { answered, chunk, newId, post, RawHttpPeer, record, statusOf } from 'wsproxy-test-support/wire/raw-http';
import { type Bystander, startBystander } from './bystander.js';

const CHUNKED = { 'Transfer-Encoding': 'chunked' };
const EVE = 'the-token-of-eve-which-is-long-enough';
const OF_EVE = { Authorization: `Bearer ${EVE}` };
const sha256 = (token: string): string => createHash('sha256').update(token).digest('hex');
const USERS = [
  { id: 'ada', tokenSha256: sha256(TOKEN) },
  { id: 'eve', tokenSha256: sha256(EVE) },
];
/** What a user may have by default: twice as many transports as sessions. */
const TRANSPORTS = 16;

const HELLO = hello(key(1));

/** Resolves with the status of each of `count` answers, one after the other. */
async function oneByOne(count: number, ask: (i: number) => Promise<number>): Promise<Set<number>> {
  const statuses = new Set<number>();
  for (let i = 0; i < count; i += 1) statuses.add(await ask(i));
  return statuses;
}

async function expectNothingLeft({ port, expectUnharmed }: Bystander, before: number): Promise<void> {
  await expectUnharmed();
  await until('no connection is left', () => connectionsTo(port) === before);
}

describe('a flood', () => {
  test('T6 of requests that open transports gets 429, and those that say nothing have a deadline', async () => {
    const bystander = await startBystander();
    const { port } = bystander;
    const before = connectionsTo(port);
    const peers: RawHttpPeer[] = [];
    const statuses: number[] = [];
    for (let i = 0; i < 200; i += 1) {
      const socket = await post(port, `${newId()};open`, '', { 'Content-Length': '0' });
      statuses.push(await answered(socket));
      if (statuses.at(-1) === 200) peers.push({ down: socket } as RawHttpPeer);
      else socket.destroy();
    }
    expect(statuses.filter((status) => status === 200)).toHaveLength(TRANSPORTS - 1);
    expect(new Set(statuses)).toEqual(new Set([200, 429]));
    // Each is told why, as a WebSocket would be.
    const ends = await Promise.all(
      peers.map(async ({ down }) => {
        let text = Buffer.alloc(0);
        if (down !== undefined)
          await readToEnd(down, (bytes) => {
            text = Buffer.concat([text, bytes]);
          });
        down?.destroy();
        return text.includes(Buffer.from('no HELLO or RESUME in time'));
      }),
    );
    expect(ends).toEqual(peers.map(() => true));
    await expectNothingLeft(bystander, before);
  });

  test('T6 of requests for transports that do not exist gets 409', async () => {
    const bystander = await startBystander();
    const { port } = bystander;
    const before = connectionsTo(port);
    for (const what of ['poll=1', 'piece=1', 'stream']) {
      expect(await oneByOne(300, () => statusOf(port, `${newId()};${what}`))).toEqual(new Set([409]));
    }
    await expectNothingLeft(bystander, before);
  });

  test('T6 of transports that are opened and cut leaves nothing behind', async () => {
    const bystander = await startBystander();
    const { port } = bystander;
    const before = connectionsTo(port);
    for (let i = 0; i < 300; i += 1) {
      const socket = await post(port, `${newId()};open`, '', { 'Content-Length': '0' });
      // The one before it may still be counted.
      expect([200, 429]).toContain(await answered(socket));
      socket.destroy();
    }
    await expectNothingLeft(bystander, before);
  });

  test('T7 of polls ends its own transport', async () => {
    const bystander = await startBystander();
    const { port } = bystander;
    const before = connectionsTo(port);
    const peer = await RawHttpPeer.open(port, 'open-poll');
    const polls = await Promise.all(Array.from({ length: 1_000 }, (_, i) => peer.begin(`poll=${i + 1}`)));
    await Promise.all(polls.map((poll) => readToEnd(poll)));
    for (const poll of polls) poll.destroy();
    expect(await peer.status('piece=1')).toBe(409);
    await expectNothingLeft(bystander, before);
  });
});

describe('requests of another user', () => {
  test('T8 get 409 for any of its requests, and the transport goes on', async () => {
    const bystander = await startBystander({ users: USERS });
    const { port } = bystander;
    const before = connectionsTo(port);
    const peer = await RawHttpPeer.open(port);
    for (const what of ['open', 'open-poll', 'piece=1', 'stream', 'poll=1']) {
      expect(await statusOf(port, `${peer.id};${what}`, '', { ...OF_EVE, 'Content-Length': '0' })).toBe(409);
    }
    expect(await peer.send(HELLO)).toBe(204);
    await until('the session is there', () => bystander.server.sessionCount === 2);
    peer.down?.destroy();
    await expectNothingLeft(bystander, before);
  });

  test('T8 with a body without end are cut when it goes on', async () => {
    const bystander = await startBystander({ users: USERS });
    const { port } = bystander;
    const before = connectionsTo(port);
    const peer = await RawHttpPeer.open(port);
    const socket = await peer.begin('stream', chunk(record(2, 'x')), { ...OF_EVE, ...CHUNKED });
    expect(await answered(socket)).toBe(409);
    const timer = setInterval(() => socket.write(chunk(record(2, Buffer.alloc(1_000)))), 5);
    await readToEnd(socket);
    clearInterval(timer);
    socket.destroy();
    peer.down?.destroy();
    await expectNothingLeft(bystander, before);
  });
});

describe('what comes twice, or out of turn, gets 409 and ends its transport', () => {
  const cases: [title: string, before: readonly string[], what: string][] = [
    ['T9 the request that opens it', [], 'open'],
    ['T9 the same for polls', [], 'open-poll'],
    ['T9 a piece', ['piece=1'], 'piece=1'],
    ['T9 a piece of long ago', ['piece=1', 'piece=2', 'piece=3'], 'piece=1'],
    ['T9 a piece after a gap', ['piece=1'], 'piece=3'],
    ['T9 the first piece of another count', [], 'piece=9007199254740991'],
    ['T9 a poll of one that has none', [], 'poll=1'],
  ];

  test.each(cases)('%s', async (_, first, what) => {
    const bystander = await startBystander();
    const before = connectionsTo(bystander.port);
    const peer = await RawHttpPeer.open(bystander.port);
    for (const one of first) expect(await peer.status(one, record(2, 'x'))).toBe(204);
    expect(await peer.status(what)).toBe(409);
    await peer.over();
    peer.down?.destroy();
    // And so does everything that comes for it from now on.
    for (const late of ['open', 'piece=1', 'piece=2', 'stream', 'poll=1']) expect(await peer.status(late)).toBe(409);
    await expectNothingLeft(bystander, before);
  });

  test('T9 a second piece beside one', async () => {
    const bystander = await startBystander();
    const before = connectionsTo(bystander.port);
    const peer = await RawHttpPeer.open(bystander.port);
    const socket = await peer.begin('piece=1', '', { 'Content-Length': '100' });
    expect(await peer.status('piece=2')).toBe(409);
    await peer.over();
    for (const one of [socket, peer.down]) one?.destroy();
    await expectNothingLeft(bystander, before);
  });

  test.each(['stream', 'piece=1'])('T9 %s beside a body without end that has brought bytes', async (what) => {
    const bystander = await startBystander();
    const before = connectionsTo(bystander.port);
    const peer = await RawHttpPeer.open(bystander.port);
    const socket = await peer.begin('stream', chunk(record(0, HELLO)), CHUNKED);
    await until('the session is there', () => bystander.server.sessionCount === 2);
    expect(await peer.status(what)).toBe(409);
    await peer.over();
    for (const one of [socket, peer.down]) one?.destroy();
    await expectNothingLeft(bystander, before);
  });
});

describe('half a transport', () => {
  test('T10 whose other half comes late, slowly or never has the time that a WebSocket has for its first frame', async () => {
    const bystander = await startBystander();
    const { port } = bystander;
    const before = connectionsTo(port);
    const peers = await Promise.all([1, 2, 3].map(() => RawHttpPeer.open(port)));
    const polling = await RawHttpPeer.open(port, 'open-poll');
    const halves = await Promise.all([
      peers[1]?.begin('stream', '', CHUNKED),
      peers[2]?.begin('piece=1', record(0, HELLO).subarray(0, 20), { 'Content-Length': '1000' }),
    ]);
    await Promise.all(peers.map((peer) => peer.over()));
    await until('the polling one is over', async () => (await polling.status('piece=1')) === 409);
    for (const socket of [...halves, ...peers.map(({ down }) => down)]) socket?.destroy();
    await expectNothingLeft(bystander, before);
  });
});

describe('a way down that is not read', () => {
  const SIZE = 64 * 1024 * 1024;
  /** What the server may keep for it: its own buffers, not those of the system. */
  const MAX_KEPT = 24 * 1024 * 1024;

  test.each(['open', 'open-poll'] as const)('T11 %s: memory stays small, whatever window there is', async (what) => {
    const bystander = await startBystander();
    const { port } = bystander;
    const before = connectionsTo(port);
    const source = await startSource('unread', SIZE);
    const memory = process.memoryUsage().arrayBuffers;
    const peer = await RawHttpPeer.open(port, what);
    peer.down?.pause();
    const window = frame(Type.window, 1, u64(SIZE));
    expect(await peer.send(HELLO, open(1, '127.0.0.1', source.port), window)).toBe(204);
    const polls: Socket[] = [];
    let peak = 0;
    for (let n = 1; n <= 50; n += 1) {
      if (what === 'open-poll') polls.push((await peer.begin(`poll=${n}`)).pause());
      // It lives as long as it answers.
      else expect(await peer.send(frame(Type.ping, 0, u64(n)))).toBe(204);
      peak = Math.max(peak, process.memoryUsage().arrayBuffers - memory);
    }
    expect(peak).toBeLessThan(MAX_KEPT);
    for (const socket of [...polls, peer.down]) socket?.destroy();
    await expectNothingLeft(bystander, before);
  });
});

describe('records', () => {
  test('T12 of 16 MiB, and padding without end, are not kept', async () => {
    const bystander = await startBystander();
    const { port } = bystander;
    const before = connectionsTo(port);
    const peer = await RawHttpPeer.open(port);
    expect(await peer.send(HELLO)).toBe(204);
    const up = await peer.begin('stream', '', CHUNKED);
    const part = Buffer.alloc(262_144);
    const memory = process.memoryUsage().arrayBuffers;
    let peak = 0;
    const write = async (bytes: Buffer): Promise<void> => {
      if (!up.write(chunk(bytes))) await new Promise((resolve) => up.once('drain', resolve));
      peak = Math.max(peak, process.memoryUsage().arrayBuffers - memory);
    };
    // Of a kind that nobody knows, and of padding, each as large as can be; then many small ones.
    for (const kind of [200, 2, 200, 2, 200, 2, 200, 2]) {
      await write(record(kind, '', 0xff_ff_ff));
      for (let sent = 0; sent < 0xff_ff_ff; sent += part.length)
        await write(part.subarray(0, Math.min(part.length, 0xff_ff_ff - sent)));
    }
    const padding = Buffer.concat(Array.from({ length: 10_000 }, () => record(2)));
    for (let i = 0; i < 100; i += 1) await write(padding);
    // Of 128 MiB that were sent; what waits to be collected counts, and the client's own.
    expect(peak).toBeLessThan(64 * 1024 * 1024);
    // All of it was taken: what comes behind it counts.
    const ping = u64(7);
    await write(record(0, frame(Type.ping, 0, ping)));
    await until('the answer is there', () => {
      const bytes = peer.down?.read() as Buffer | null;
      return bytes?.includes(ping) === true;
    });
    up.destroy();
    peer.down?.destroy();
    await expectNothingLeft(bystander, before);
  });
});

test('T12 a chunk that goes on behind its padding is cut, and carries nothing', async () => {
  const bystander = await startBystander();
  const { port } = bystander;
  const before = connectionsTo(port);
  const peer = await RawHttpPeer.open(port);
  expect(await peer.send(HELLO)).toBe(204);
  const padding = record(2, 'x');
  const bytes = record(0, frame(Type.ping, 0, u64(7)));
  const size = (padding.length + bytes.length).toString(16);
  const up = await peer.begin('stream', Buffer.concat([Buffer.from(`${size}\r\n`), padding]), CHUNKED);
  await until(
    'the server has heard of it',
    () => (peer.down?.read() as Buffer | null)?.includes(record(3, '\x01')) === true,
  );
  up.write(Buffer.concat([bytes, Buffer.from('\r\n')]));
  await readToEnd(up);
  up.destroy();
  expect(await peer.send(frame(Type.ping, 0, u64(8)))).toBe(204);
  let down = Buffer.alloc(0);
  await until('the answer is there', () => {
    down = Buffer.concat([down, (peer.down?.read() as Buffer | null) ?? Buffer.alloc(0)]);
    return down.includes(u64(8));
  });
  expect(down.includes(u64(7))).toBe(false);
  peer.down?.destroy();
  await expectNothingLeft(bystander, before);
});

test('T13 a name is remembered beyond its end, though others begin and end many', async () => {
  const bystander = await startBystander({ users: USERS });
  const { port } = bystander;
  const before = connectionsTo(port);
  const peer = await RawHttpPeer.open(port);
  peer.down?.destroy();
  await until('it is over', async () => (await peer.status('piece=1')) === 409);
  for (let i = 0; i < 300; i += 1) {
    const socket = await post(port, `${newId()};open`, '', { ...OF_EVE, 'Content-Length': '0' });
    await answered(socket);
    socket.destroy();
  }
  expect(await peer.status('open')).toBe(409);
  await expectNothingLeft(bystander, before);
});
