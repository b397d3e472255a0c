import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { Parent } from '../../src/workers/parent.js';
import { WorkerProcess } from '../../src/workers/worker-process.js';
import { FakeChild, INTRODUCTION } from './fake-child.js';

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

function make() {
  const children: FakeChild[] = [];
  const lines: string[] = [];
  const log = (fields: object, message: string) => void lines.push(`${message} ${JSON.stringify(fields)}`);
  const parent = new Parent({
    ...{ workers: 2, retire: 10_000, drain: 1_000, longestSilence: 60_000 },
    start: (number, speaksForAll, events) => {
      const child = new FakeChild(1_000 + number);
      children.push(child);
      log({ number, speaksForAll }, 'start');
      return new WorkerProcess(number, child.asChild, { ...events, write: () => true, onPlace: () => {} });
    },
    isListening: () => true,
    onFree: () => {},
    onEnded: () => {},
    onSettings: () => {},
    logger: { debug: log, info: log, warn: log, error: log },
  });
  const child = (number: number): FakeChild => children[number - 1] ?? new FakeChild(0);
  const has = (text: string): boolean => lines.some((line) => line.includes(text));
  return { parent, children, child, lines, has };
}

async function begin() {
  const made = make();
  const beginning = made.parent.begin();
  made.child(1).isReady();
  made.child(2).isReady();
  expect(await beginning).toEqual(INTRODUCTION);
  return made;
}

const ALIKE = ['ticket keys'];

describe('a parent', () => {
  test('begins when all are ready, of whom one speaks for all, and tells each the same keys', async () => {
    const { parent, child, has } = await begin();
    expect([has('start {"number":1,"speaksForAll":true}'), has('start {"number":2,"speaksForAll":false}')]).toEqual([
      true,
      true,
    ]);
    expect([child(1).kinds, child(2).kinds]).toEqual([ALIKE, ALIKE]);
    expect(child(1).sent).toEqual(child(2).sent);
    expect(parent.isReady).toBe(true);
  });

  test('ends what it has started when one cannot start, and says what that has said', async () => {
    const { parent, child } = make();
    const beginning = parent.begin();
    child(1).isReady();
    child(2).stderr.write('wsproxy-server: no token\n');
    await vi.advanceTimersByTimeAsync(0);
    child(2).end(2);
    await expect(beginning).rejects.toMatchObject({
      message: 'no token',
      output: 'wsproxy-server: no token\n',
      ending: { code: 2 },
    });
    expect(child(1).killed).toBe(true);
  });

  test('replaces one that has lived for long at once, and one that dies at once again later and later', async () => {
    const { children, child } = await begin();
    await vi.advanceTimersByTimeAsync(15_000);
    child(1).says({ kind: 'pong', sessions: 0 });
    child(1).end(null, 'SIGKILL');
    await vi.advanceTimersByTimeAsync(0);
    expect(children).toHaveLength(3);
    for (const [n, pause] of [1_000, 2_000, 4_000].entries()) {
      child(3 + n).end(1);
      await vi.advanceTimersByTimeAsync(pause - 1);
      expect(children).toHaveLength(3 + n);
      await vi.advanceTimersByTimeAsync(1);
      expect(children).toHaveLength(4 + n);
    }
  });

  test('tells one that takes the place of another what the others know', async () => {
    const { parent, child } = await begin();
    parent.neverDial({ address: '127.0.0.1', port: 8080 });
    child(2).end(1);
    await vi.advanceTimersByTimeAsync(1_000);
    child(3).isReady();
    await vi.advanceTimersByTimeAsync(0);
    expect(child(3).kinds).toEqual([...ALIKE, 'never dial']);
    expect(parent.takers).toHaveLength(2);
  });

  test('takes one for silent after ten seconds without an answer, and ends it when nobody can wait for it', async () => {
    const { parent, child, has } = await begin();
    const answer = setInterval(() => child(1).says({ kind: 'pong', sessions: 0 }), 1_000);
    await vi.advanceTimersByTimeAsync(10_000);
    expect(parent.takers.map(({ isPresent }) => isPresent)).toEqual([true, false]);
    expect(has('a worker does not answer')).toBe(true);
    child(2).says({ kind: 'pong', sessions: 0 });
    expect(parent.takers.map(({ isPresent }) => isPresent)).toEqual([true, true]);
    await vi.advanceTimersByTimeAsync(64_000);
    clearInterval(answer);
    expect([child(1).killed, child(2).killed]).toEqual([false, true]);
  });

  test('exchanges all when the new ones are ready, and the others keep what they have', async () => {
    const { parent, child } = await begin();
    const renewing = parent.renew();
    child(3).isReady();
    await vi.advanceTimersByTimeAsync(0);
    expect(parent.takers.map(({ number }) => number)).toEqual([1, 2]);
    child(4).isReady();
    await renewing;
    expect(parent.takers.map(({ number }) => number)).toEqual([3, 4]);
    expect(child(1).sent.at(-1)).toEqual({ kind: 'retire', retire: 10_000, drain: 1_000 });
    expect([...parent.retired].map(({ number }) => number)).toEqual([1, 2]);
    child(1).end(0);
    await vi.advanceTimersByTimeAsync(0);
    expect([...parent.retired].map(({ number }) => number)).toEqual([2]);
    // Its time is over, and it does not end by itself.
    await vi.advanceTimersByTimeAsync(16_000);
    expect(child(2).killed).toBe(true);
    expect(parent.workers.map(({ number }) => number)).toEqual([3, 4]);
  });

  test('keeps those there are when the new ones cannot start', async () => {
    const { parent, child, has } = await begin();
    const renewing = parent.renew();
    child(3).isReady();
    child(4).end(2);
    await renewing;
    expect(has('new workers have not started')).toBe(true);
    expect(child(3).killed).toBe(true);
    expect(parent.takers.map(({ number }) => number)).toEqual([1, 2]);
    expect(child(1).kinds).toEqual(ALIKE);
  });

  test('ends one that does not get ready, so that the others go on, and can be exchanged again', async () => {
    const { parent, child, has } = await begin();
    const answer = setInterval(() => [1, 2].forEach((n) => void child(n).says({ kind: 'pong', sessions: 0 })), 1_000);
    const renewing = parent.renew();
    child(3).isReady();
    await vi.advanceTimersByTimeAsync(119_000);
    expect(child(4).killed).toBe(false);
    await vi.advanceTimersByTimeAsync(1_000);
    await renewing;
    expect([child(4).killed, has('does not get ready'), has('new workers have not started')]).toEqual([
      true,
      true,
      true,
    ]);
    const again = parent.renew();
    child(5).isReady();
    child(6).isReady();
    await again;
    clearInterval(answer);
    expect(parent.takers.map(({ number }) => number)).toEqual([5, 6]);
  });

  test('exchanges once more when it is told to while it does so', async () => {
    const { parent, children, child } = await begin();
    const renewing = parent.renew();
    await parent.renew();
    await parent.renew();
    child(3).isReady();
    child(4).isReady();
    await vi.advanceTimersByTimeAsync(0);
    expect(children).toHaveLength(6);
    child(5).isReady();
    child(6).isReady();
    await renewing;
    expect(children).toHaveLength(6);
    expect(parent.takers.map(({ number }) => number)).toEqual([5, 6]);
  });

  test('has files read again by those that start as well, as soon as they hear', async () => {
    const { parent, child } = await begin();
    const renewing = parent.renew();
    child(3).isReady();
    await vi.advanceTimersByTimeAsync(0);
    parent.reload();
    expect([1, 2, 3, 4].map((n) => child(n).kinds.includes('reload'))).toEqual([true, true, true, false]);
    child(4).isReady();
    await renewing;
    expect(child(4).kinds.filter((kind) => kind === 'reload')).toHaveLength(1);
    child(3).end(1);
    await vi.advanceTimersByTimeAsync(1_000);
    parent.reload();
    child(5).isReady();
    expect(child(5).kinds).toContain('reload');
  });

  test('starts nobody any more who was to follow those that came too late', async () => {
    const { parent, children, child } = await begin();
    const renewing = parent.renew();
    child(3).isReady();
    // It is killed, and has said so before it was.
    child(4).kill = () => true;
    const stopping = parent.stop(500);
    child(4).isReady();
    await renewing;
    for (const n of [1, 2, 3]) child(n).end(0);
    child(4).end(null, 'SIGKILL');
    await stopping;
    await vi.advanceTimersByTimeAsync(120_000);
    expect(children).toHaveLength(4);
    expect(vi.getTimerCount()).toBe(0);
  });

  test('gives nothing to one that hears nothing any more, though its end is not told yet', async () => {
    const { parent, child } = await begin();
    expect(parent.takers.map(({ isFree }) => isFree)).toEqual([true, true]);
    child(1).connected = false;
    expect(parent.takers.map(({ isFree }) => isFree)).toEqual([false, true]);
    child(2).connected = false;
    expect(parent.isReady).toBe(false);
  });

  test('stops those that start, those that serve and those that were replaced', async () => {
    const { parent, child } = await begin();
    const first = parent.renew();
    child(3).isReady();
    child(4).isReady();
    await first;
    void parent.renew();
    const stopping = parent.stop(500);
    expect([child(5).killed, child(6).killed]).toEqual([true, true]);
    for (const n of [1, 2, 3, 4]) {
      expect(child(n).sent.at(-1)).toEqual({ kind: 'stop', drain: 500 });
      child(n).says({ kind: 'over', unfinished: n, metrics: undefined });
      child(n).end(0);
    }
    expect(await stopping).toBe(10);
    expect(parent.isReady).toBe(false);
    expect(vi.getTimerCount()).toBe(0);
  });
});
