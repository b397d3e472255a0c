import { expect, test } from 'vitest';
import { systemClock } from '../src/clock.js';

/** Until a timer of the clock itself has run. */
const passed = (delay: number) => new Promise<void>((resolve) => systemClock.setTimer(resolve, delay));

test('the clock of the system runs a timer once, after its delay, and none that was cancelled', async () => {
  const ran: string[] = [];
  const start = systemClock.now();
  systemClock.setTimer(() => ran.push('cancelled'), 1).cancel();
  const late = systemClock.setTimer(() => ran.push('once'), 2);
  await passed(20);
  late.cancel();
  expect(ran).toEqual(['once']);
  expect(systemClock.now() - start).toBeGreaterThan(18);
});

test('what is deferred runs behind the present call, and before any timer', async () => {
  const ran: string[] = [];
  const timer = new Promise<void>((resolve) => {
    systemClock.setTimer(() => {
      ran.push('timer');
      resolve();
    }, 0);
  });
  systemClock.defer(() => ran.push('deferred'));
  ran.push('now');
  await timer;
  expect(ran).toEqual(['now', 'deferred', 'timer']);
});

test('what is deferred past the input runs behind the present call, and before any timer that is not due', async () => {
  const ran: string[] = [];
  const past = new Promise<void>((resolve) => {
    systemClock.deferPastInput(() => {
      ran.push('past the input');
      resolve();
    });
  });
  const timer = systemClock.setTimer(() => ran.push('timer'), 60_000);
  ran.push('now');
  await past;
  timer.cancel();
  expect(ran).toEqual(['now', 'past the input']);
});

test('its time of day is that of the machine', () => {
  expect(Math.abs(systemClock.wallTime() - Date.now())).toBeLessThan(1_000);
});
