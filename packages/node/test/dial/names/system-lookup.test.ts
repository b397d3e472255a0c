import { describe, expect, test } from 'vitest';
import { FakeClock } from 'wsproxy-engine/testing';
import { createSystemLookup } from '../../../src/dial/names/system-lookup.js';

/** A system that answers by hand, and the names that it was asked for. */
function systemByHand() {
  const clock = new FakeClock();
  const asked: { name: string; answer(): void; fail(): void }[] = [];
  const lookup = createSystemLookup(
    (name) =>
      new Promise((resolve, reject) => {
        asked.push({ name, answer: () => resolve(['192.0.2.1']), fail: () => reject(new Error('not found')) });
      }),
    clock,
  );
  return { lookup, clock, asked, names: () => asked.map(({ name }) => name) };
}

const never = new AbortController().signal;

describe('the system', () => {
  test('is asked by two users at a time, and once by each', async () => {
    const { lookup, asked, names } = systemByHand();
    const answers = [lookup('a', never, 'ann'), lookup('b', never, 'ann'), lookup('c', never, 'bob')];
    answers.push(lookup('d', never, 'joe'));
    expect(names()).toEqual(['a', 'c']);
    asked[1]?.answer();
    expect(await answers[2]).toEqual(['192.0.2.1']);
    expect(names()).toEqual(['a', 'c', 'd']);
    asked[0]?.fail();
    await expect(answers[0]).rejects.toThrow('not found');
    expect(names()).toEqual(['a', 'c', 'd', 'b']);
    for (const { answer } of asked) answer();
    expect(await Promise.all([answers[1], answers[3]])).toEqual([['192.0.2.1'], ['192.0.2.1']]);
  });

  test('is not asked for what nobody waits for any more', async () => {
    const { lookup, asked, names } = systemByHand();
    const controller = new AbortController();
    const first = lookup('a', never);
    const abandoned = lookup('b', controller.signal);
    const last = lookup('c', never);
    const reason = new Error('given up');
    controller.abort(reason);
    await expect(abandoned).rejects.toBe(reason);
    asked[0]?.answer();
    await first;
    expect(names()).toEqual(['a', 'c']);
    asked[1]?.answer();
    await last;
  });

  test('holds its place until it has answered, also when nobody waits', async () => {
    const { lookup, asked, names } = systemByHand();
    const controller = new AbortController();
    const slow = lookup('a', controller.signal);
    controller.abort(new Error('given up'));
    const next = lookup('b', never);
    expect(names()).toEqual(['a']);
    asked[0]?.answer();
    await slow;
    expect(names()).toEqual(['a', 'b']);
    asked[1]?.answer();
    await next;
  });

  test('keeps a place for others when the questions of some outlive everybody who waited', async () => {
    const { lookup, asked, names, clock } = systemByHand();
    const gone = new AbortController();
    const answer = async (name: string) => {
      const at = names().indexOf(name);
      expect(names()).toContain(name);
      asked.splice(at, 1)[0]?.answer();
      await new Promise(setImmediate);
    };
    const dead = ['ann', 'bob'].map((user) => lookup(`${user}-1`, gone.signal, user));
    // One more of each waits for its turn already.
    const waiting = ['ann', 'bob'].map((user) => lookup(`${user}-2`, never, user));
    gone.abort(new Error('given up'));
    clock.advance(1_000);
    expect(names()).toEqual(['ann-1', 'bob-1']);
    await answer('ann-1');
    await answer('bob-1');
    // Both count as one now, and a third has the other place.
    expect(names()).toEqual(['ann-2']);
    const others = [lookup('joe-1', never, 'joe')];
    expect(names()).toEqual(['ann-2', 'joe-1']);
    await answer('joe-1');
    others.push(lookup('eve-1', never, 'eve'));
    await answer('eve-1');
    await answer('ann-2');
    await answer('bob-2');
    await Promise.all([...dead, ...waiting, ...others]);

    clock.advance(600_000);
    const forgotten = ['ann', 'bob'].map((user) => lookup(`${user}-3`, never, user));
    expect(names()).toEqual(['ann-3', 'bob-3']);
    for (const { answer: reply } of asked) reply();
    await Promise.all(forgotten);
  });

  test('does not count an answer as late that nobody waits for any more, but has come soon', async () => {
    const { lookup, asked, names, clock } = systemByHand();
    const leave = (name: string, user: string) => {
      const gone = new AbortController();
      const answer = lookup(name, gone.signal, user);
      gone.abort(new Error('given up'));
      return answer;
    };
    const answers = [leave('quick', 'ann')];
    clock.advance(999);
    asked.shift()?.answer();
    await new Promise(setImmediate);
    answers.push(leave('dead', 'bob'));
    clock.advance(1_000);
    asked.shift()?.answer();
    await new Promise(setImmediate);
    answers.push(lookup('bob', never, 'bob'), lookup('ann', never, 'ann'));
    expect(names()).toEqual(['bob', 'ann']);
    for (const { answer } of asked) answer();
    await Promise.all(answers);
  });
});
