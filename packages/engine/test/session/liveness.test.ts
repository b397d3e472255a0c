import { describe, expect, test } from 'vitest';
import { RoundTrip } from '../../src/flow/round-trip.js';
import { type Judgement, Liveness } from '../../src/session/liveness.js';
import { encodePing } from '../../src/session/ping.js';

const INTERVAL = 1_000;

/** What is told of a transport at one time, and what a look then says. Without `look` there is no look. */
interface Step {
  readonly at: number;
  readonly sent?: true;
  readonly heard?: true;
  /** The transport has taken some bytes, and this many are left. */
  readonly drained?: number;
  /** Data arrived; whether that is reason to ask. */
  readonly data?: boolean;
  /** PONG has arrived that answers the PING of this time. */
  readonly answered?: number;
  /** How far the time of day is ahead. */
  readonly ahead?: number;
  /** What was sent is not acknowledged. */
  readonly owed?: true;
  readonly look?: Judgement;
  /** How long until the next look. */
  readonly next?: number;
}

function follow(steps: readonly Step[], { latest = 0, pingInterval = 15_000 } = {}): void {
  const roundTrip = new RoundTrip();
  roundTrip.note(latest, 0);
  const liveness = new Liveness({ roundTrip, interval: INTERVAL, pingInterval }, 0, 0);
  for (const step of steps) {
    const { at, ahead = 0 } = step;
    if (step.sent === true) liveness.sent(at);
    if (step.heard === true) liveness.heard(at);
    if (step.drained !== undefined) liveness.drained(at, step.drained);
    if (step.answered !== undefined) liveness.answered(encodePing(step.answered), at);
    if (step.data !== undefined) expect([at, liveness.heardData(at)]).toEqual([at, step.data]);
    if (step.look !== undefined)
      expect([at, liveness.look(at, at + ahead, step.owed === true)]).toEqual([at, step.look]);
    if (step.next !== undefined) expect([at, liveness.nextLook(at) - at]).toEqual([at, step.next]);
  }
}

/** One look each second from `from` to `to`, all of them fine; each may bring a sign of life, or owe something. */
function fine(from: number, to: number, step: Partial<Step> = {}): Step[] {
  const steps: Step[] = [];
  for (let at = from; at <= to; at += INTERVAL) steps.push({ ...step, at, look: 'fine' });
  return steps;
}

describe('a ping', () => {
  test.each<[what: string, steps: Step[]]>([
    [
      'is due after 15 s without anything sent',
      [...fine(1_000, 14_000, { heard: true }), { at: 15_000, look: 'ping' }],
    ],
    [
      'is put off by what is sent',
      [
        ...fine(1_000, 13_000),
        { at: 13_500, sent: true, heard: true },
        ...fine(14_000, 28_000),
        { at: 29_000, look: 'ping' },
      ],
    ],
    [
      'is due when data came that was not asked about',
      [
        { at: 500, data: true },
        { at: 1_000, heard: true, look: 'ping' },
      ],
    ],
    [
      'is due at most once a second while data comes',
      [
        { at: 500, data: true },
        { at: 1_000, heard: true, look: 'ping' },
        { at: 1_001, data: false },
        { at: 1_050, answered: 1_000 },
        { at: 1_999, data: false },
        { at: 2_000, data: true },
      ],
    ],
    [
      'is not due for data while one is unanswered, which may take longer than a second',
      [
        { at: 500, data: true },
        { at: 1_000, heard: true, look: 'ping' },
        { at: 2_000, data: false },
        { at: 3_000, heard: true, data: false, look: 'fine' },
        // Nobody has asked for these.
        { at: 3_100, answered: 0 },
        { at: 3_100, answered: 999.999 },
        { at: 3_200, data: false },
        { at: 3_300, answered: 1_000 },
        { at: 3_301, data: true },
      ],
    ],
    [
      'is not due for data that came before the last one',
      [{ at: 500, data: true }, { at: 1_000, heard: true, look: 'ping' }, ...fine(2_000, 5_000)],
    ],
  ])('%s', (_what, steps) => follow(steps));

  test('is due after what was agreed on', () => {
    follow([...fine(1_000, 4_000), { at: 5_000, look: 'ping' }], { pingInterval: 5_000 });
    follow(fine(1_000, 100_000, { heard: true }), { pingInterval: 120_000 });
  });
});

describe('suspicion', () => {
  test.each<[what: string, steps: Step[], latest?: number]>([
    [
      'comes when what is owed brings nothing for 5 s, at a second look at once',
      [
        { at: 900, heard: true },
        ...fine(1_000, 5_000, { owed: true }),
        { at: 6_000, owed: true, look: 'fine', next: 0 },
        { at: 6_000, owed: true, look: 'suspect', next: INTERVAL },
      ],
    ],
    [
      'does not come when the answer was waiting to be read',
      [
        ...fine(1_000, 5_000, { owed: true }),
        { at: 6_000, owed: true, look: 'fine', next: 0 },
        { at: 6_000, heard: true, owed: true, look: 'fine', next: INTERVAL },
      ],
    ],
    [
      'comes again 5 s later',
      [
        ...fine(1_000, 5_000, { owed: true }),
        { at: 6_000, owed: true, look: 'fine' },
        { at: 6_000, owed: true, look: 'suspect' },
        ...fine(7_000, 10_000, { owed: true }),
        { at: 11_000, owed: true, look: 'fine', next: 0 },
        { at: 11_000, owed: true, look: 'suspect' },
      ],
    ],
    ['does not come while nothing is owed', fine(1_000, 14_000)],
    ['does not come while anything arrives', fine(1_000, 14_000, { owed: true, heard: true })],
    [
      'does not come once what was asked is answered',
      [
        { at: 500, data: true },
        { at: 1_000, look: 'ping' },
        { at: 1_500, answered: 1_000, heard: true },
        ...fine(2_000, 14_000),
      ],
    ],
    [
      'waits for four round trips where these are longer',
      [
        ...fine(1_000, 12_000, { owed: true }),
        { at: 13_000, owed: true, look: 'fine', next: 0 },
        { at: 13_000, owed: true, look: 'suspect' },
      ],
      3_000,
    ],
    [
      'takes bytes that had to wait and leave for a sign of life',
      [
        { at: 500, drained: 100 },
        ...fine(1_000, 5_000, { owed: true }),
        { at: 5_500, drained: 50 },
        ...fine(6_000, 10_000, { owed: true }),
        { at: 11_000, owed: true, look: 'fine', next: 0 },
      ],
    ],
    [
      'takes bytes that leave at once for none',
      [
        ...fine(1_000, 4_000, { owed: true }),
        { at: 4_500, drained: 0 },
        { at: 5_000, owed: true, look: 'fine' },
        { at: 6_000, owed: true, look: 'fine', next: 0 },
      ],
    ],
  ])('%s', (_what, steps, latest) => follow(steps, latest === undefined ? {} : { latest }));
});

describe('after the machine has slept', () => {
  const late: Step[] = [...fine(1_000, 2_000), { at: 2_000 + INTERVAL + 5_001, look: 'ping' }];
  const ahead: Step[] = [...fine(1_000, 2_000), { at: 3_000, ahead: 5_001, look: 'ping' }];

  test.each([
    ['the look is late', late, 8_001, 0],
    ['the time of day is ahead', ahead, 3_000, 5_001],
  ])('it asks (%s), and 2 s without an answer are suspicious', (_what, steps, at, ahead) => {
    follow([
      ...steps,
      { at: at + 1_000, ahead, look: 'fine', next: INTERVAL },
      { at: at + 2_000, ahead, look: 'fine', next: 0 },
      { at: at + 2_000, ahead, look: 'suspect' },
    ]);
  });

  test('a sign of life means that all is well', () => {
    follow([...ahead, { at: 3_500, heard: true, answered: 3_000 }, ...fine(4_000, 14_000, { ahead: 5_001 })]);
  });

  test.each([
    [10_000, 'ping', 2_000],
    [2_001, 'fine', 5_000],
  ])('of %i ms, an answer that waited meanwhile is no reason for patience', (sleep, look, limit) => {
    const roundTrip = new RoundTrip();
    const liveness = new Liveness({ roundTrip, interval: INTERVAL, pingInterval: 15_000 }, 0, 0);
    roundTrip.note(20, 900);
    expect(liveness.look(1_000, 1_000, true)).toBe('fine');
    const woken = 1_000 + INTERVAL + sleep;
    liveness.heard(woken - 2);
    roundTrip.note(sleep, woken - 2);
    expect(liveness.look(woken, woken, true)).toBe(look);
    for (let at = woken + INTERVAL; at < woken + limit; at += INTERVAL) {
      expect(liveness.look(at, at, true)).toBe('fine');
      expect(liveness.nextLook(at)).toBe(at + INTERVAL);
    }
    liveness.look(woken + limit, woken + limit, true);
    expect(liveness.look(woken + limit, woken + limit, true)).toBe('suspect');
  });

  test('a time of day that somebody sets back, or ahead a little, means nothing', () => {
    follow([...fine(1_000, 2_000), { at: 3_000, ahead: -3_600_000, look: 'fine' }]);
    follow([...fine(1_000, 2_000), { at: 3_000, ahead: 5_000, look: 'fine' }]);
  });
});

describe('silence', () => {
  test.each([
    [45_000, 15_000],
    [180_000, 60_000],
    [45_000, 5_000],
  ])('of %i ms is the end where %i ms make a heartbeat', (limit, pingInterval) => {
    const liveness = new Liveness(
      { roundTrip: { latest: 1e6, stoodStill() {} }, interval: INTERVAL, pingInterval },
      0,
      0,
    );
    for (let at = INTERVAL; at < limit; at += INTERVAL) {
      expect(liveness.look(at, at, false)).toMatch(/fine|ping/);
      expect(liveness.nextLook(at)).toBe(at + INTERVAL);
    }
    liveness.look(limit, limit, false);
    expect(liveness.nextLook(limit)).toBe(limit);
    expect(liveness.look(limit, limit, false)).toBe('lost');
  });

  test('tells when it was broken last', () => {
    const liveness = new Liveness({ roundTrip: new RoundTrip(), interval: INTERVAL, pingInterval: 15_000 }, 7, 7);
    expect(liveness.lastSign).toBe(7);
    liveness.heard(12);
    expect(liveness.lastSign).toBe(12);
  });
});
