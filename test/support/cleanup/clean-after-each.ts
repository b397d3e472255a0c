// Vitest runs this before every file of system tests.
import { afterAll, afterEach, beforeEach } from 'vitest';
import { Session } from 'wsproxy-engine';
import { SessionChannel } from '../../../packages/engine/src/channel/session-channel.js';
import { endAll } from './at-end.js';
import { type Census, expectClean, expectCollected, takeCensus } from './expect-clean.js';
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

afterAll(() => expectCollected([Session, SessionChannel]));
