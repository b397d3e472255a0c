import { expect, test } from 'vitest';
import { TOKEN } from 'wsproxy-test-support/programs/command-line';
import { connectTo, readToEnd } from 'wsproxy-test-support/sockets/application';
import { connectionsTo } from 'wsproxy-test-support/sockets/kernel-sockets';
import { until } from 'wsproxy-test-support/until';
import { hello, key } from 'wsproxy-test-support/wire/hand-written-frames';
import { answered, chunk, headOf, newId, post, RawHttpPeer, record } from 'wsproxy-test-support/wire/raw-http';
import { startBystander } from './bystander.js';

const CHUNKED = { 'Transfer-Encoding': 'chunked' };
const BOTH = { 'Content-Length': '4', ...CHUNKED };

/** The status of each answer that comes on a connection before it ends. */
async function statusesOf(port: number, text: string): Promise<number[]> {
  const socket = await connectTo(port);
  socket.write(text, 'latin1');
  let all = '';
  await readToEnd(socket, (bytes) => {
    all += bytes.toString('latin1');
  });
  return [...all.matchAll(/HTTP\/1\.1 (\d{3}) /g)].map(([, status]) => Number(status));
}

/** A second request, which somebody on the way may have taken for a body. */
const SECOND = headOf(`${newId()};open`, { 'Content-Length': '0' });

const ambiguous: [title: string, head: string][] = [
  ['T1 a length and chunks', headOf(`${newId()};open`, BOTH)],
  ['T1 two lengths', headOf(`${newId()};open`, { 'Content-Length': '4', 'content-length': '5' })],
  ['T1 two equal lengths', headOf(`${newId()};open`, { 'Content-Length': '4', 'content-length': '4' })],
  ['T1 a list of lengths', headOf(`${newId()};open`, { 'Content-Length': '4, 4' })],
  ['T1 a length with a sign', headOf(`${newId()};open`, { 'Content-Length': '+4' })],
  ['T1 a coding that is folded', headOf(`${newId()};open`, { 'Transfer-Encoding': '\r\n chunked' })],
  ['T1 a coding that is no coding', headOf(`${newId()};open`, { 'Transfer-Encoding': 'xchunked' })],
  ['T1 chunks that are not the last coding', headOf(`${newId()};open`, { 'Transfer-Encoding': 'chunked, identity' })],
  ['T1 a name with a space', headOf(`${newId()};open`, { 'Content-Length ': '4' })],
  ['T1 lines that end in LF alone', headOf(`${newId()};open`, BOTH).replaceAll('\r\n', '\n')],
  ['T1 a CR without LF', headOf(`${newId()};open`, { 'X-A': 'a\rContent-Length: 4' })],
];

test.each(ambiguous)(
  '%s gets 400, with the right token or without, and nothing behind it is answered',
  async (_, head) => {
    const { port, expectUnharmed } = await startBystander();
    for (const one of [head, head.replace(TOKEN, 'x'.repeat(TOKEN.length))]) {
      expect(await statusesOf(port, `${one}0\r\n\r\n${SECOND}`)).toEqual([400]);
    }
    await expectUnharmed();
  },
);

test('T2 a body of a stranger, slow or without end, is not waited for: 401 comes at once, and the connection is closed', async () => {
  const { port, expectUnharmed } = await startBystander();
  const before = connectionsTo(port);
  const token = { Authorization: `Bearer ${'x'.repeat(TOKEN.length)}` };
  for (const fields of [
    { ...token, 'Content-Length': '100000' },
    { ...token, ...CHUNKED },
  ]) {
    for (const what of ['open', 'open-poll', 'stream', 'piece=1', 'poll=1']) {
      const socket = await post(port, `${newId()};${what}`, '', fields);
      expect(await answered(socket)).toBe(401);
      await readToEnd(socket);
      socket.destroy();
    }
  }
  await until('no connection is left', () => connectionsTo(port) === before);
  await expectUnharmed();
});

test('T2 nobody learns by an answer whether a transport exists', async () => {
  const { port, expectUnharmed } = await startBystander();
  const peer = await RawHttpPeer.open(port);
  const strangers = { Authorization: undefined, 'Content-Length': '0' };
  const bodies = await Promise.all(
    [peer.id, newId()].flatMap((id) =>
      ['open', 'stream', 'piece=1', 'poll=1'].map(async (what) => {
        let text = '';
        await readToEnd(await post(port, `${id};${what}`, '', strangers), (bytes) => {
          text += bytes.toString('latin1');
        });
        return text;
      }),
    ),
  );
  expect(new Set(bodies).size).toBe(1);
  expect(bodies[0]).toMatch(/^HTTP\/1\.1 401 /);
  peer.down?.destroy();
  await expectUnharmed();
});

const bodies: [title: string, fields: Readonly<Record<string, string>>, body: Buffer][] = [
  ['T3 a chunk whose size is no number', CHUNKED, Buffer.from('xyz\r\n')],
  ['T3 a chunk whose size has a sign', CHUNKED, Buffer.from('+4\r\n')],
  ['T3 a chunk whose size is too large for any number', CHUNKED, Buffer.from(`${'f'.repeat(17)}\r\n`)],
  ['T3 a chunk whose line ends in LF alone', CHUNKED, Buffer.from('4\n\0\0\0\0\n')],
  ['T3 a chunk that goes on beyond its size', CHUNKED, Buffer.from('4\r\n\0\0\0\0\0\0')],
  ['T3 extensions of a chunk of 64 KiB', CHUNKED, chunk(record(2), `;${'a'.repeat(65_536)}`)],
  ['T3 a trailer of 64 KiB', CHUNKED, Buffer.from(`0\r\nX: ${'a'.repeat(65_536)}`)],
  ['T4 a record that ends before its length says', { 'Content-Length': '6' }, record(0, 'ab', 8)],
  ['T4 half the head of a record', { 'Content-Length': '2' }, Buffer.of(0, 0)],
  ['T4 an end without a code', { 'Content-Length': '4' }, record(1)],
  ['T4 an end whose reason is too long', { 'Content-Length': '130' }, record(1, Buffer.alloc(126))],
  ['T4 a word without a byte', { 'Content-Length': '4' }, record(3)],
  ['T4 a word of two bytes', { 'Content-Length': '6' }, record(3, 'ab')],
  ['T4 a piece that is too large', CHUNKED, chunk(record(2, Buffer.alloc(262_145)))],
];

test.each(bodies)('%s ends its transport, and nothing else', async (title, fields, body) => {
  const { server, port, expectUnharmed } = await startBystander();
  const before = connectionsTo(port);
  const peer = await RawHttpPeer.open(port);
  expect(await peer.send(hello(key(1)))).toBe(204);
  await until('the session is there', () => server.sessionCount === 2);
  const socket = await peer.begin('piece=2', body, fields);
  await peer.over();
  socket.destroy();
  peer.down?.destroy();
  expect(await peer.status('piece=3'), title).toBe(409);
  await until('no connection is left', () => connectionsTo(port) === before);
  await expectUnharmed();
});

test('T5 a second request on the connection of a transport cuts it, with the right token or without', async () => {
  const { port, expectUnharmed } = await startBystander();
  const before = connectionsTo(port);
  for (const second of [SECOND, SECOND.replace(TOKEN, 'wrong'), headOf(`${newId()};poll=1`)]) {
    const peer = await RawHttpPeer.open(port);
    peer.down?.write(second);
    await peer.over();
    peer.down?.destroy();
    expect(await peer.status('piece=1')).toBe(409);
  }
  await until('no connection is left', () => connectionsTo(port) === before);
  await expectUnharmed();
});

test('T5 ten thousand requests on the connection of a transport are not kept', async () => {
  const { port, expectUnharmed } = await startBystander();
  const peer = await RawHttpPeer.open(port);
  const { down } = peer;
  for (let i = 0; i < 100; i += 1) down?.write(SECOND.repeat(100));
  await peer.over();
  down?.destroy();
  await expectUnharmed();
});
