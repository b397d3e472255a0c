import { describe, expect, test } from 'vitest';
import { bytesOf, textOf } from 'wsproxy-test-support/engine/bytes';
import { newMemory } from 'wsproxy-test-support/engine/new-memory';
import { zeros } from '../../src/bytes.js';
import { channelFrames } from '../../src/channel/channel-frames.js';
import { Opening } from '../../src/channel/opening.js';
import { ReceivingHalf } from '../../src/channel/receiving-half.js';
import { SendingHalf } from '../../src/channel/sending-half.js';
import { CHANNEL_HIGH_WATER, EARLY_WINDOW } from '../../src/constants.js';
import { MemoryBudget } from '../../src/flow/memory-budget.js';

const plenty = () => new MemoryBudget(1e9);
const SESSION = { frameSize: 0 };

describe('the sending half', () => {
  test('gives no more than the peer takes, and counts each time that bytes begin to wait for it', () => {
    const half = new SendingHalf(newMemory(), plenty(), 10);
    half.push(zeros(15), SESSION);
    expect([half.take(4)?.length, half.take(100)?.length, half.take(100)]).toEqual([4, 6, undefined]);
    expect([half.isEmpty, half.hasCredit, half.stalls]).toEqual([false, false, 1]);
    half.window.raise(20);
    expect([half.take(100)?.length, half.isEmpty, half.stalls]).toEqual([5, true, 1]);
  });

  test('asks the source for a pause when much waits, and tells once that it may go on when half of it has gone', () => {
    const half = new SendingHalf(newMemory(), plenty(), 1e9);
    expect(half.push(zeros(CHANNEL_HIGH_WATER - 1), SESSION)).toBe(true);
    expect(half.push(zeros(2_000), SESSION)).toBe(false);
    half.take(1_000);
    expect(half.resumesSource(SESSION)).toBe(false);
    half.take(CHANNEL_HIGH_WATER);
    expect([half.resumesSource(SESSION), half.resumesSource(SESSION)]).toEqual([true, false]);
  });

  test('does not ask how long a frame may be, frame by frame, of a source that is not paused', () => {
    const half = new SendingHalf(newMemory(), plenty(), 1e9);
    let asked = 0;
    const session = {
      get frameSize() {
        asked += 1;
        return 0;
      },
    };
    half.push(zeros(2_000), session);
    const askedForPause = asked;
    expect([half.take(1_000)?.length, half.resumesSource(session), asked]).toEqual([1_000, false, askedForPause]);
  });

  test('says everything again to another peer, as long as none has answered', () => {
    const half = new SendingHalf(newMemory(), plenty());
    half.push(bytesOf('early'), SESSION);
    expect([textOf(half.take(3) as Uint8Array), half.window.credit]).toEqual(['ear', EARLY_WINDOW - 3]);
    half.rewind();
    expect(half.window.credit).toBe(EARLY_WINDOW);
    const again = [half.take(100), half.take(100)].filter((bytes) => bytes !== undefined);
    expect(again.map(textOf).join('')).toBe('early');
  });

  test('keeps no memory once it is cleared, no matter what of it was taken', () => {
    const memory = newMemory();
    const half = new SendingHalf(memory, plenty());
    const slab = memory.post();
    half.push(slab.bytes.subarray(0, 30_000), SESSION);
    memory.unpost(slab);
    const taken = half.take(10_000) as Uint8Array;
    expect(memory.kept).toBe(1);
    half.clear();
    memory.release(taken);
    expect(memory.kept).toBe(0);
  });
});

describe('what waits for the peer to take more', () => {
  /** A slab that was read full, of which the peer takes all but `left` bytes. */
  const stalled = (left: number) => {
    const memory = newMemory();
    const slab = memory.post();
    const half = new SendingHalf(memory, plenty(), slab.bytes.length - left);
    half.push(slab.bytes.fill(7), SESSION);
    memory.unpost(slab);
    for (let bytes = half.take(16_384); bytes !== undefined; bytes = half.take(16_384)) memory.release(bytes);
    return { memory, half };
  };

  test.each([1, 16_383, 16_400, 32_000])('does not keep the slab that it was read into: %i bytes', (left) => {
    const { memory, half } = stalled(left);
    expect(memory.kept).toBe(0);
    half.window.raise(1e6);
    const rest = half.take(left) as Uint8Array;
    expect([rest.length, rest.every((byte) => byte === 7), half.isEmpty]).toEqual([left, true, true]);
    memory.release(rest);
  });

  test('stays where it is when it is most of it', () => {
    const { memory, half } = stalled(33_000);
    expect(memory.kept).toBe(1);
    half.clear();
    expect(memory.kept).toBe(0);
  });
});

describe('the receiving half', () => {
  test('takes what its window allows, and no more', () => {
    const half = new ReceivingHalf({ onThrown() {} }, plenty(), 0);
    expect(half.onData(zeros(EARLY_WINDOW))).toBe(true);
    expect(half.onData(zeros(1))).toBe(false);
  });

  test('hands on in its order what has come before there was a sink', () => {
    const half = new ReceivingHalf({ onThrown() {} }, plenty(), 0);
    const told: string[] = [];
    half.onData(bytesOf('a'));
    half.onData(bytesOf('b'));
    half.end();
    half.start({
      onData: (bytes) => void told.push(textOf(bytes)),
      onEnd: () => void told.push('end'),
      onReset: (code) => void told.push(code),
      onWritable() {},
    });
    half.reset('TIMED_OUT');
    expect(told.join()).toBe('a,b,end,TIMED_OUT');
  });
});

describe('an opening', () => {
  test('is told to the opener once, no matter which comes first', () => {
    const told: string[] = [];
    const opening = new Opening({ onOpen: () => void told.push('open'), onFail: (code) => void told.push(code) });
    expect(opening.isTold).toBe(false);
    opening.succeed();
    opening.fail('DENIED');
    expect([opening.isTold, told]).toEqual([true, ['open']]);
  });

  test('is abandoned for each of those who asked, unless it was answered', () => {
    const told: string[] = [];
    const [one, other] = [new Opening(undefined), new Opening(undefined)];
    for (const who of ['a', 'b']) one.onAbandoned(() => void told.push(who));
    other.onAbandoned(() => void told.push('answered'));
    const answer = channelFrames.openOk(1, 10);
    other.settle(answer);
    expect([other.takeFrame(), other.hasFrame, other.takeFrame()]).toEqual([answer, false, undefined]);
    for (const opening of [one, other]) opening.abandon();
    expect(told).toEqual(['a', 'b']);
  });
});
