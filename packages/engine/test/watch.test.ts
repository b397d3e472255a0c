import { expect, test } from 'vitest';
import { FakeClock } from '../src/testing/fake-clock.js';
import { Watch } from '../src/watch.js';

/** A watch over names, once in 100 ms, and whom it has looked at. */
function watchNames() {
  const clock = new FakeClock();
  const looks: string[] = [];
  const watch = new Watch<string>(clock, 100, (name, now) => looks.push(`${name} ${now - start}`));
  const start = clock.now();
  return { clock, watch, looks };
}

test('everybody is looked at once in an interval, by one timer', () => {
  const { clock, watch, looks } = watchNames();
  watch.add('first');
  clock.advance(30);
  watch.add('second');
  expect(clock.pending).toBe(1);
  clock.advance(170);
  expect(looks).toEqual(['first 100', 'second 100', 'first 200', 'second 200']);
});

test('those who have left are not looked at, and without anybody there is no timer', () => {
  const { clock, watch, looks } = watchNames();
  watch.add('first');
  watch.add('second');
  watch.delete('first');
  clock.advance(100);
  watch.delete('second');
  expect([looks, clock.pending]).toEqual([['second 100'], 0]);
  watch.add('third');
  clock.advance(100);
  expect(looks).toEqual(['second 100', 'third 200']);
});

test('one may leave while it is looked at', () => {
  const clock = new FakeClock();
  const looks: number[] = [];
  const watch: Watch<number> = new Watch(clock, 100, (one) => {
    looks.push(one);
    watch.delete(one);
  });
  for (const one of [1, 2, 3]) watch.add(one);
  clock.advance(300);
  expect([looks, clock.pending]).toEqual([[1, 2, 3], 0]);
});
