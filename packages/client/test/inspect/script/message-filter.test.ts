import { randomBytes } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import type { MessageVerdict } from '../../../src/inspect/script/calls.js';
import { MessageFilter, type SeenMessage } from '../../../src/inspect/script/message-filter.js';
import { Room } from '../../../src/inspect/script/room.js';

/** A frame, of which the mask changes nothing where there is one. */
function frame(opcode: number, payload: string | Buffer, { isLast = true, isMasked = false } = {}): Buffer {
  const data = Buffer.from(payload as string);
  const { length } = data;
  const size = length < 126 ? [length] : length < 65_536 ? [126, length >> 8, length & 255] : [127, 0, 0, 0, 0];
  const [first = 0, ...rest] = size;
  const long = length < 65_536 ? [] : [length >>> 24, (length >> 16) & 255, (length >> 8) & 255, length & 255];
  const mask = isMasked ? [0, 0, 0, 0] : [];
  const head = [(isLast ? 0x80 : 0) | opcode, (isMasked ? 0x80 : 0) | first, ...rest, ...long, ...mask];
  return Buffer.concat([Buffer.from(head), data]);
}

function filter(verdict: (message: SeenMessage) => MessageVerdict | Promise<MessageVerdict>, isMasked = false) {
  const seen: SeenMessage[] = [];
  const room = new Room();
  const made = new MessageFilter(isMasked, room, async (message) => {
    seen.push(message);
    return verdict(message);
  });
  const push = async (bytes: Buffer): Promise<Buffer> => {
    const out: Buffer[] = [];
    for await (const piece of made.push(bytes)) out.push(piece);
    return Buffer.concat(out);
  };
  return { made, push, seen, room };
}

const [PING, CLOSE] = [frame(9, 'p'), frame(8, '\x03\xe8')];
const TEXTS = [frame(1, 'a', { isLast: false }), PING, frame(0, 'b', { isLast: false }), frame(0, ''), frame(1, '')];

describe('messages that a script leaves alone', () => {
  test.each([1, 2, 7, 100_000])('pass as they came in pieces of %i bytes, control frames first', async (size) => {
    const { push, seen } = filter(() => undefined);
    const big = frame(2, randomBytes(70_000));
    const all = Buffer.concat([...TEXTS, big, CLOSE]);
    const out: Buffer[] = [];
    for (let at = 0; at < all.length; at += size) out.push(await push(all.subarray(at, at + size)));
    const [first, , ...rest] = TEXTS;
    const expected = Buffer.concat([PING, first as Buffer, ...rest, big, CLOSE]);
    expect(Buffer.concat(out).equals(expected)).toBe(true);
    expect(seen).toEqual(['ab', '', big.subarray(10)]);
  });

  test('are unmasked for it', async () => {
    const { push, seen } = filter(() => undefined, true);
    const masked = Buffer.from([0x81, 0x83, 1, 2, 3, 4, 0x61 ^ 1, 0x62 ^ 2, 0x63 ^ 3]);
    expect((await push(masked)).equals(masked)).toBe(true);
    expect(seen).toEqual(['abc']);
  });

  test.each([
    ['is compressed, which was not agreed on', Buffer.from([0xc1, 1, 0x61])],
    ['has an opcode that is not known', Buffer.from([0x83, 1, 0x61])],
    ['has a mask that may not be there', frame(1, 'a', { isMasked: true })],
  ])('pass, with all that follows, from a frame on that %s', async (_title, odd) => {
    const { push, seen } = filter(() => ({ kind: 'drop' }));
    const all = Buffer.concat([frame(1, 'a', { isLast: false }), odd, frame(1, 'later')]);
    expect((await push(all)).equals(all)).toBe(true);
    expect(seen).toEqual([]);
  });

  test('pass as far as they have come when the connection ends', async () => {
    const { made, push } = filter(() => undefined);
    const [cut, head] = [frame(1, 'a', { isLast: false }), Buffer.from([0x80])];
    expect(await push(Buffer.concat([cut, head]))).toHaveLength(0);
    expect(made.end().equals(Buffer.concat([cut, head]))).toBe(true);
  });
});

test.each([
  ['text', 'new', frame(1, 'new')],
  ['long text', 'n'.repeat(300), frame(1, 'n'.repeat(300))],
  ['binary', Buffer.from('x'), frame(2, 'x')],
  ['very long binary', Buffer.alloc(70_000), frame(2, Buffer.alloc(70_000))],
])('a message is changed to %s, in one frame', async (_title, data, expected) => {
  const { push } = filter(() => ({ kind: 'message', data }));
  const out = await push(Buffer.concat([frame(1, 'o', { isLast: false }), frame(0, 'ld')]));
  expect(out.equals(expected)).toBe(true);
});

test('a message of the application is changed with a mask', async () => {
  const { push } = filter(() => ({ kind: 'message', data: 'abc' }), true);
  const out = await push(frame(1, 'old', { isMasked: true }));
  const [mask, payload] = [out.subarray(2, 6), out.subarray(6)];
  expect([...out.subarray(0, 2)]).toEqual([0x81, 0x83]);
  expect(payload.map((byte, n) => byte ^ (mask[n] as number)).toString()).toBe('abc');
});

test('a message is dropped, and the next one is not', async () => {
  const { push } = filter((message) => (message === 'a' ? { kind: 'drop' } : undefined));
  const out = await push(Buffer.concat([frame(1, 'a'), frame(1, 'b')]));
  expect(out.equals(frame(1, 'b'))).toBe(true);
});

test('a message that is too large passes, and the script is told, and sees the next one', async () => {
  const { push, seen, room } = filter(() => ({ kind: 'drop' }));
  const big = frame(2, Buffer.alloc(17_000_000, 1));
  const out: Buffer[] = [];
  for (let at = 0; at < big.length; at += 100_000) out.push(await push(big.subarray(at, at + 100_000)));
  expect(Buffer.concat(out).equals(big)).toBe(true);
  expect(await push(frame(1, 'b'))).toHaveLength(0);
  expect(seen).toEqual([{ tooLarge: true }, 'b']);
  expect(room.take(67_108_864)).toBe(true);
});

test('a message does not wait for the script to see the next one', async () => {
  const { made } = filter((message) => (message === 'second' ? new Promise(() => {}) : undefined));
  const pieces = made.push(Buffer.concat([PING, frame(1, 'first'), PING, frame(1, 'second')]));
  expect((await pieces.next()).value).toEqual(PING);
  expect((await pieces.next()).value).toEqual(Buffer.concat([frame(1, 'first'), PING]));
});

test('a message of very many fragments takes no more memory than it has bytes', async () => {
  const { push, seen } = filter(() => undefined);
  await push(frame(1, 'a', { isLast: false }));
  const memory = (): number => process.memoryUsage().heapUsed + process.memoryUsage().external;
  const before = memory();
  for (let n = 0; n < 20; n += 1) await push(Buffer.alloc(100_000));
  expect(memory() - before).toBeLessThan(50_000_000);
  expect(await push(frame(0, 'b'))).toHaveLength(2_000_006);
  expect(seen).toEqual(['ab']);
});
