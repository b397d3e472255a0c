import { beforeEach, describe, expect, test } from 'vitest';
import { MemoryTransport } from 'wsproxy-engine';
import { FakeClock } from 'wsproxy-engine/testing';
import { Phases } from '../../src/connector/phases.js';

const [transport] = MemoryTransport.pair();
let clock: FakeClock;
let phases: Phases;
/** What was told, and which timers have run. */
let events: string[];

beforeEach(() => {
  clock = new FakeClock();
  events = [];
  phases = new Phases(clock, () => events.push(phases.state));
});

/** A timer that tells when it runs. */
const after = (delay: number, name: string) => ({ after: delay, call: () => events.push(name) });
const online = () => ({ is: 'online', since: clock.now(), progress: 0 }) as const;

describe('the timers of a phase', () => {
  test('run while it lasts', () => {
    phases.enter({ is: 'waiting' }, after(100, 'retry'), after(300, 'expiry'));
    clock.advance(200);
    expect(events).toEqual(['retry']);
    clock.advance(200);
    expect(events).toEqual(['retry', 'expiry']);
  });

  test('end with it, all of them, also when the next is one of the same kind', () => {
    phases.enter({ is: 'waiting' }, after(100, 'retry'), after(300, 'expiry'));
    phases.enter({ is: 'waiting' }, after(200, 'later'));
    expect(clock.pending).toBe(1);
    clock.advance(1_000);
    expect(events).toEqual(['later']);
    phases.enter({ is: 'connecting' }, after(100, 'never'));
    phases.enter({ is: 'closed' });
    expect(clock.pending).toBe(0);
  });
});

describe('the state', () => {
  test('is told when it changes, and not otherwise', () => {
    phases.enter({ is: 'waiting' });
    phases.enter({ is: 'connecting' });
    phases.enter({ is: 'greeting', seems: 'connecting', transport });
    phases.enter(online());
    phases.enter({ is: 'closed' });
    expect(events).toEqual(['connecting', 'online', 'closed']);
  });

  test('stays online while another transport takes over', () => {
    phases.enter(online());
    phases.enter({ is: 'greeting', seems: 'online', transport });
    phases.enter(online());
    expect(events).toEqual(['online']);
  });

  test('is the new one for anyone who is told, with the timers that go with it', () => {
    phases = new Phases(clock, () => {
      events.push(phases.state);
      if (phases.state === 'waiting') phases.enter({ is: 'closed' });
    });
    phases.enter({ is: 'connecting' });
    phases.enter({ is: 'waiting' }, after(100, 'retry'));
    expect([events, clock.pending]).toEqual([['connecting', 'waiting', 'closed'], 0]);
  });
});

test('the time online is that of every phase that was, and of the one that is', () => {
  expect([phases.onlineTime, phases.wasOnline]).toEqual([0, false]);
  phases.enter(online());
  clock.advance(300);
  expect([phases.onlineTime, phases.wasOnline]).toEqual([300, false]);
  phases.enter({ is: 'greeting', seems: 'online', transport });
  clock.advance(1_000);
  phases.enter(online());
  clock.advance(50);
  phases.enter({ is: 'closed' });
  clock.advance(1_000);
  expect([phases.onlineTime, phases.wasOnline]).toEqual([350, true]);
});
