// Vitest runs this before every file of system tests.
import { afterEach, beforeEach } from 'vitest';
import { endAll } from './at-end.js';
import { type Census, expectClean, takeCensus } from './expect-clean.js';
import { watchTimers } from './live-timers.js';

watchTimers();

let before: Census;

beforeEach(() => {
  before = takeCensus();
});

afterEach(async () => {
  await endAll();
  await expectClean(before);
});
