import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { collectGarbage } from 'wsproxy-test-support/engine/heap';
import { newMemory } from 'wsproxy-test-support/engine/new-memory';
import { zeros } from '../../src/bytes.js';
import { MemoryBudget } from '../../src/flow/memory-budget.js';
import { wireLength } from '../../src/frame/frame.js';
import { ReplayBuffer, type SequencedFrame } from '../../src/replay/replay-buffer.js';

const frame = (channel: number, length = 10): SequencedFrame => ({
  type: 4,
  channel,
  payload: length === 0 ? undefined : zeros(length),
});

/** The same as arrays: every frame ever appended, and two positions in them. */
class Model {
  readonly frames: SequencedFrame[] = [];
  acknowledged = 0;
  cursor = 0;
}

type Step = (model: Model, buffer: ReplayBuffer) => void;

const append = fc.nat(2_000).map<Step>((length) => (model, buffer) => {
  const one = frame(model.frames.length, length);
  model.frames.push(one);
  buffer.append(one);
});

const next = fc.constant<Step>((model, buffer) => {
  expect(buffer.next()).toBe(model.frames[model.cursor]);
  if (model.cursor < model.frames.length) model.cursor += 1;
});

const acknowledge = fc.integer({ min: -3, max: 40 }).map<Step>((offset) => (model, buffer) => {
  const count = model.acknowledged + offset;
  const isPossible = count >= model.acknowledged && count <= model.cursor;
  const forgotten = model.frames.slice(model.acknowledged, count);
  const bytes = forgotten.reduce((sum, one) => sum + wireLength(one), 0);
  expect(buffer.acknowledge(count)).toBe(isPossible ? bytes : undefined);
  if (isPossible) model.acknowledged = count;
});

const rewind = fc.constant<Step>((model, buffer) => {
  model.cursor = model.acknowledged;
  buffer.rewind();
});

const step = fc.oneof(
  { weight: 6, arbitrary: append },
  { weight: 6, arbitrary: next },
  { weight: 3, arbitrary: acknowledge },
  { weight: 1, arbitrary: rewind },
);

describe('ReplayBuffer', () => {
  test('does what arrays would do, and counts what it holds', () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 400 }), (steps) => {
        const budget = new MemoryBudget(Number.MAX_SAFE_INTEGER);
        const model = new Model();
        const buffer = new ReplayBuffer(newMemory(), budget);
        for (const run of steps) {
          run(model, buffer);
          expect(buffer.total).toBe(model.frames.length);
          expect(buffer.acknowledged).toBe(model.acknowledged);
          const held = model.frames.slice(model.acknowledged);
          const payload = held.reduce((sum, one) => sum + wireLength(one), 0);
          expect(buffer.bytes).toBeGreaterThanOrEqual(payload);
          expect(buffer.bytes).toBeLessThanOrEqual(payload + held.length * 200);
          expect(budget.reserved).toBe(buffer.bytes);
        }
        buffer.rewind();
        for (const one of model.frames.slice(model.acknowledged)) expect(buffer.next()).toBe(one);
        expect(buffer.next()).toBeUndefined();
        expect(buffer.acknowledge(model.frames.length)).toBeDefined();
        expect(buffer.bytes).toBe(0);
        expect(budget.reserved).toBe(0);
      }),
      { numRuns: 300 },
    );
  });

  test('keeps its count and its order through thousands of frames, however many are acknowledged at once', () => {
    for (const many of [1, 33, 64, 65, 66, 129, 500]) {
      const budget = new MemoryBudget(Number.MAX_SAFE_INTEGER);
      const buffer = new ReplayBuffer(newMemory(), budget);
      let [appended, given, acknowledged] = [0, 0, 0];
      while (acknowledged < 2_000) {
        while (appended < acknowledged + 2 * many + 70) buffer.append(frame(appended++));
        while (given < acknowledged + many + 1) expect(buffer.next()?.channel).toBe(given++);
        acknowledged += many;
        expect(buffer.acknowledge(acknowledged)).toBe(many * wireLength(frame(0)));
        expect([buffer.total, buffer.acknowledged]).toEqual([appended, acknowledged]);
        expect(buffer.bytes).toBe(budget.reserved);
      }
      buffer.rewind();
      for (let channel = acknowledged; channel < appended; channel++) expect(buffer.next()?.channel).toBe(channel);
      expect(buffer.next()).toBeUndefined();
    }
  });

  test('charges a frame for its bytes on the wire and for the place that it takes', () => {
    const budget = new MemoryBudget(1e9);
    const buffer = new ReplayBuffer(newMemory(), budget);
    buffer.append(frame(1, 50));
    buffer.append(frame(3, 0));
    expect([wireLength(frame(1, 50)), wireLength(frame(3, 0))]).toEqual([58, 8]);
    expect([buffer.bytes, budget.reserved]).toEqual([266, 266]);
  });

  test('keeps nothing more once it was cleared', () => {
    const budget = new MemoryBudget(1e9);
    const buffer = new ReplayBuffer(newMemory(), budget);
    for (const channel of [1, 3]) buffer.append(frame(channel));
    buffer.next();
    buffer.acknowledge(1);
    buffer.clear();
    expect(buffer.total).toBe(1);
    buffer.append(frame(5));
    expect([buffer.total, buffer.next(), budget.reserved]).toEqual([1, undefined, 0]);
  });

  test('gives frames again after a rewind, in their order', () => {
    const buffer = new ReplayBuffer(newMemory(), new MemoryBudget(1e9));
    const frames = [1, 2, 3].map((channel) => frame(channel));
    for (const one of frames) buffer.append(one);
    expect([buffer.next(), buffer.next()]).toEqual(frames.slice(0, 2));
    buffer.acknowledge(1);
    buffer.rewind();
    expect([buffer.next(), buffer.next(), buffer.next()]).toEqual([frames[1], frames[2], undefined]);
  });

  test('takes no acknowledgement for what the present transport has not carried', () => {
    const buffer = new ReplayBuffer(newMemory(), new MemoryBudget(1e9));
    for (const channel of [1, 2]) buffer.append(frame(channel));
    expect(buffer.acknowledge(1)).toBeUndefined();
    buffer.next();
    expect(buffer.acknowledge(2)).toBeUndefined();
    expect(buffer.acknowledge(1)).toBeDefined();
  });

  test('is full once its budget is used up, and no longer when something is acknowledged', () => {
    const buffer = new ReplayBuffer(newMemory(), new MemoryBudget(1_000));
    buffer.append(frame(1, 2_000));
    expect(buffer.isFull).toBe(true);
    buffer.next();
    buffer.acknowledge(1);
    expect(buffer.isFull).toBe(false);
  });

  test('holds no payload of an acknowledged frame', async () => {
    const buffer = new ReplayBuffer(newMemory(), new MemoryBudget(1e9));
    const payloads = Array.from({ length: 50 }, (_, channel) => {
      const one = frame(channel, 100_000);
      buffer.append(one);
      buffer.next();
      return new WeakRef(one.payload ?? zeros(0));
    });
    buffer.acknowledge(40);
    // A WeakRef holds what it refers to until the task in which it was made is over.
    await new Promise((resolve) => setTimeout(resolve));
    collectGarbage();
    expect(payloads.map((payload) => payload.deref() !== undefined)).toEqual(payloads.map((_, n) => n >= 40));
    expect(buffer.bytes).toBeGreaterThan(1_000_000);
  });

  test('forgets everything when the session is over', () => {
    const budget = new MemoryBudget(1e9);
    const buffer = new ReplayBuffer(newMemory(), budget);
    for (let channel = 0; channel < 10; channel++) buffer.append(frame(channel));
    buffer.clear();
    expect([buffer.bytes, budget.reserved, buffer.next()]).toEqual([0, 0, undefined]);
  });
});
