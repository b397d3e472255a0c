import { describe, expect, test } from 'vitest';
import { bytesOf } from 'wsproxy-test-support/engine/bytes';
import { newMemory } from 'wsproxy-test-support/engine/new-memory';
import { zeros } from '../../src/bytes.js';
import { nowhere } from '../../src/channel/nowhere.js';
import { type Carrier, SessionChannel } from '../../src/channel/session-channel.js';
import { QUANTUM } from '../../src/constants.js';
import { MemoryBudget } from '../../src/flow/memory-budget.js';
import { FrameType } from '../../src/frame/frame.js';
import { SendQueue } from '../../src/session/send-queue.js';

const LIMIT = 32_768;
const SHARED = 16_384;

/** Open channels of a server, that have told of their opening already, all in one queue. */
class Fixture {
  readonly #carrier: Carrier = {
    memory: newMemory(),
    budget: new MemoryBudget(0),
    progress: () => ({ framesSent: 0, framesProcessed: 0, asked: 0, answered: 0 }),
    ask() {},
    frameSize: 16_384,
    queues: new MemoryBudget(1_000_000),
    now: () => 0,
    roundTrip: () => 0,
    onSendable: (channel) => {
      if (!this.#isOpening) this.queue.add(channel);
    },
    onGrant() {},
    onOver() {},
  };
  readonly queue = new SendQueue(this.#carrier);
  #isOpening = false;

  channel(id: number, bytes = 0, credit = 1e9): SessionChannel {
    const channel = SessionChannel.offer(id, { host: 'example.org', port: 80 }, this.#carrier, credit);
    this.#isOpening = true;
    channel.accept();
    expect(channel.takeFrame(LIMIT)?.type).toBe(FrameType.openOk);
    this.#isOpening = false;
    if (bytes > 0) channel.write(zeros(bytes));
    return channel;
  }

  /** The channels whose DATA goes next, with the lengths of its frames. */
  take(frames: number): [channel: number, length: number][] {
    const taken: [number, number][] = [];
    for (let n = 0; n < frames; n++) {
      const frame = this.queue.next(LIMIT, SHARED);
      if (frame === undefined) break;
      taken.push([frame.channel, frame.payload?.length ?? 0]);
    }
    return taken;
  }

  share(frames: number): Map<number, number> {
    const bytes = new Map<number, number>();
    for (const [id, length] of this.take(frames)) bytes.set(id, (bytes.get(id) ?? 0) + length);
    return bytes;
  }
}

describe('SendQueue', () => {
  test('gives nothing while no channel has anything', () => {
    const fixture = new Fixture();
    fixture.queue.add(fixture.channel(1));
    expect(fixture.take(3)).toEqual([]);
  });

  test('gives large frames to a channel that is alone, smaller ones to several', () => {
    const fixture = new Fixture();
    fixture.channel(1, 1_000_000);
    expect(fixture.take(1)).toEqual([[1, LIMIT]]);
    fixture.channel(3, 1_000_000);
    expect(fixture.take(6).every(([, length]) => length === SHARED)).toBe(true);
  });

  test('shares evenly between bulk channels, however they write', () => {
    const fixture = new Fixture();
    const large = fixture.channel(1, 3_000_000);
    const small = fixture.channel(3);
    for (let n = 0; n < 20_000; n++) small.write(zeros(100));
    // Of small writes that wait many make one frame: neither has sent everything after so many.
    const bytes = fixture.share(500);
    const [one = 0, other = 0] = [bytes.get(large.id), bytes.get(small.id)];
    expect(one).toBeGreaterThan(100_000);
    // Headers count, too: small frames cost more of them.
    expect(one / other).toBeGreaterThan(0.8);
    expect(one / other).toBeLessThan(1.3);
  });

  test('lets no channel starve, however many there are', () => {
    const fixture = new Fixture();
    const ids = Array.from({ length: 100 }, (_, n) => 2 * n + 1);
    for (const id of ids) fixture.channel(id, 200_000);
    const bytes = fixture.share(500);
    for (const id of ids) expect(bytes.get(id)).toBeGreaterThanOrEqual(QUANTUM);
  });

  test('puts a channel that was idle ahead of bulk, for its first turn', () => {
    const fixture = new Fixture();
    for (const id of [1, 3, 5]) fixture.channel(id, 10_000_000);
    fixture.take(20);
    const keyboard = fixture.channel(7);
    for (let n = 0; n < 20; n++) {
      keyboard.write(bytesOf('k'));
      const position = fixture.take(4).findIndex(([id]) => id === 7);
      // Behind what is being sent at most once around: a key that comes at once after another has had its head start.
      expect(position).toBeGreaterThanOrEqual(0);
      expect(position).toBeLessThanOrEqual(3);
    }
  });

  test('lets a new channel go first', () => {
    const fixture = new Fixture();
    for (const id of [1, 3, 5]) fixture.channel(id, 10_000_000);
    fixture.take(20);
    fixture.channel(7, 10);
    expect(fixture.take(1)).toEqual([[7, 10]]);
  });

  test('does not let a busy channel pass for an idle one', () => {
    const fixture = new Fixture();
    fixture.channel(1, 10_000_000);
    const greedy = fixture.channel(3);
    const bytes = new Map<number, number>();
    for (let n = 0; n < 400; n++) {
      // Writes just one frame's worth whenever it has nothing left.
      if (!greedy.sendable) greedy.write(zeros(SHARED));
      for (const [id, length] of fixture.take(1)) bytes.set(id, (bytes.get(id) ?? 0) + length);
    }
    expect((bytes.get(3) ?? 0) / (bytes.get(1) ?? 1)).toBeLessThan(1.5);
  });

  test('forgets a channel that has no credit, until it is added again', () => {
    const fixture = new Fixture();
    const poor = fixture.channel(1, 100, 10);
    expect(fixture.take(5)).toEqual([[1, 10]]);
    poor.onLimit(25);
    expect(fixture.take(5)).toEqual([[1, 15]]);
  });

  test('gives the last frame of a channel that was reset', () => {
    const fixture = new Fixture();
    const channel = fixture.channel(1, 100_000);
    fixture.take(1);
    channel.reset();
    expect(fixture.queue.next(LIMIT, SHARED)?.type).toBe(FrameType.reset);
    expect(fixture.queue.next(LIMIT, SHARED)).toBeUndefined();
  });

  test('gives no frame of a channel that was removed, and one that comes back has its turn again', () => {
    const fixture = new Fixture();
    const leaver = fixture.channel(1, 100);
    fixture.channel(3, 100);
    fixture.queue.remove(leaver);
    expect(fixture.queue.size).toBe(1);
    expect(fixture.take(5)).toEqual([[3, 100]]);
    fixture.queue.add(leaver);
    expect(fixture.take(5)).toEqual([[1, 100]]);
  });

  test('takes no channel that another session carries, and gives no frame of one that has left unheard', () => {
    const fixture = new Fixture();
    const limbo = nowhere({ now: () => 0 }, newMemory());
    const foreign = SessionChannel.offer(1, { host: 'example.org', port: 80 }, limbo, 1e9);
    expect(() => fixture.queue.add(foreign)).toThrow('does not carry it');
    const lost = fixture.channel(3, 100);
    lost.leave(limbo);
    expect(() => fixture.take(1)).toThrow('does not carry it');
  });
});
