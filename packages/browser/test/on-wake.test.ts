import { expect, test, vi } from 'vitest';
import { FakeClock } from 'wsproxy-engine/testing';
import { atEnd } from 'wsproxy-test-support/cleanup/at-end';
import { onWake } from '../src/on-wake.js';

test('the events of one awakening wake a page once, and those of the next one again', () => {
  const document = Object.assign(new EventTarget(), { visibilityState: 'visible' });
  vi.stubGlobal('document', document);
  atEnd(() => vi.unstubAllGlobals());
  const clock = new FakeClock();
  const wake = vi.fn();
  const end = onWake(wake, clock);
  const happen = (...names: string[]) => {
    for (const name of names) document.dispatchEvent(new Event(name));
  };
  happen('resume', 'visibilitychange');
  expect(wake).toHaveBeenCalledTimes(1);
  clock.wallOffset += 1_000;
  happen('resume', 'visibilitychange');
  expect(wake).toHaveBeenCalledTimes(2);
  end();
  clock.wallOffset += 1_000;
  happen('resume', 'visibilitychange');
  expect(wake).toHaveBeenCalledTimes(2);
});
