import { expect, test } from 'vitest';
import { silentLogger, TunnelError } from 'wsproxy-engine';
import { FakeClock } from 'wsproxy-engine/testing';
import { Guard } from '../../src/limits/guard.js';
import { resolveLimits } from '../../src/limits/limits.js';
import { newGuard } from './new-guard.js';

test('memory is bounded for each session, and for all of them together', () => {
  const { guard, hits } = newGuard({ memory: 300_000, memoryPerSession: 150_000 });
  const [first, second] = [guard.memoryOf({ id: 'alice' }), guard.memoryOf({ id: 'bob' })];
  expect([first.windows.room, first.replay.room]).toEqual([100_000, 50_000]);
  first.windows.take(100_000);
  expect([first.windows.room, first.replay.room, second.windows.room, hits]).toEqual([
    0,
    50_000,
    50_000,
    ['memoryPerSession'],
  ]);
  second.windows.take(50_000);
  expect([second.windows.room, hits]).toEqual([0, ['memoryPerSession', 'memory']]);
});

test('one user has half of the memory for all, in any number of sessions, where there may be others', () => {
  const { guard } = newGuard({ memory: 400_000, memoryPerSession: 300_000 }, true);
  const mallory = { id: 'mallory' };
  const theirs = [guard.memoryOf(mallory), guard.memoryOf(mallory)];
  theirs[0]?.windows.take(80_000);
  expect([theirs[1]?.windows.room, theirs[1]?.replay.room]).toEqual([20_000, 100_000]);
  theirs[1]?.windows.take(30_000);
  expect(theirs.map(({ windows }) => windows.room)).toEqual([0, 0]);
  expect(guard.memoryOf({ id: 'bob' }).windows.room).toBe(90_000);
  theirs[0]?.windows.release(80_000);
  expect(guard.memoryOf(mallory).windows.room).toBe(70_000);
});

test('that the system has nothing left to dial with is told once for a wave, and what a destination says is not', () => {
  const clock = new FakeClock();
  const warnings: object[] = [];
  const logger = { ...silentLogger, warn: (fields: object) => warnings.push(fields) };
  const guard = new Guard({ limits: resolveLimits(), clock, logger });
  const fail = (code: 'LIMIT_REACHED' | 'CONNECTION_REFUSED', systemCode: string): void => {
    const cause = Object.assign(new Error(`connect ${systemCode}`), { code: systemCode });
    guard.failed(new TunnelError(code, cause.message, { cause }));
  };
  for (let i = 0; i < 100; i += 1) fail('LIMIT_REACHED', 'EMFILE');
  fail('CONNECTION_REFUSED', 'ECONNREFUSED');
  guard.failed(new TunnelError('LIMIT_REACHED'));
  expect(warnings).toEqual([{ code: 'EMFILE' }]);
  clock.advance(10_000);
  fail('LIMIT_REACHED', 'EMFILE');
  fail('LIMIT_REACHED', 'EADDRNOTAVAIL');
  expect(warnings).toEqual([{ code: 'EMFILE' }, { code: 'EMFILE' }, { code: 'EADDRNOTAVAIL' }]);
});
