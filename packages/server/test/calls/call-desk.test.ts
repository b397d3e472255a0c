import { Duplex } from 'node:stream';
import { setImmediate as turn } from 'node:timers/promises';
import { beforeEach, describe, expect, test } from 'vitest';
import { type FailureCode, type Logger, type OfferedChannel, silentLogger } from 'wsproxy-engine';
import { FakeClock } from 'wsproxy-engine/testing';
import { newMemory } from 'wsproxy-test-support/engine/new-memory';
import {
  CallDesk,
  type CallDeskOptions,
  type CallWish,
  type Found,
  type OpenOptions,
} from '../../src/calls/call-desk.js';
import { Guard } from '../../src/limits/guard.js';
import { type LimitOptions, resolveLimits } from '../../src/limits/limits.js';
import type { ArrivalRecord } from '../../src/observe/observer.js';
import { SessionRegistry } from '../../src/sessions/session-registry.js';
import { TestClient } from '../sessions/test-client.js';

const GRACE = 60_000;

let clock: FakeClock;
let hits: string[];
let records: ArrivalRecord[];
let guard: Guard;
let registry: SessionRegistry;
let desk: CallDesk;

beforeEach(() => begin());

function begin(limits: LimitOptions = {}, more: Partial<CallDeskOptions> = {}): void {
  clock = new FakeClock();
  hits = [];
  records = [];
  const logger: Logger = silentLogger;
  guard = new Guard({ limits: resolveLimits(limits), clock, logger, onLimit: (limit) => hits.push(limit) });
  const observer = { onArrivalOver: (record: ArrivalRecord) => void records.push(record) };
  desk = new CallDesk({
    clock,
    service: { guard, logger, observer },
    sessionsOf: (user) => registry.of(user),
    ...more,
  });
  registry = new SessionRegistry({
    ...{ clock, memory: newMemory(), logger, guard, maxGrace: GRACE, observer, calls: desk },
    onChannel: (channel) => channel.refuse('DENIED'),
  });
}

/** A client that has been called so often, and answers each call: takes it, says no, or says nothing. */
class Called {
  readonly services: string[] = [];
  readonly channels: OfferedChannel[] = [];
  received = '';
  readonly client: TestClient;

  constructor(value: number, answer: 'take' | 'wait' | FailureCode = 'take', user = 'alice') {
    this.client = new TestClient(registry, clock, { id: user }, value, GRACE, (channel, service) => {
      this.services.push(service);
      this.channels.push(channel);
      if (answer === 'wait') return;
      if (answer !== 'take') return channel.refuse(answer);
      channel.accept();
      channel.start({
        onData: (chunk) => {
          this.received += Buffer.from(chunk).toString();
          channel.write(Buffer.from('got it'));
          channel.consumed(chunk.length);
        },
        onEnd: () => channel.end(),
        onReset() {},
        onWritable() {},
      });
    });
    this.client.connect();
  }
}

interface Opening {
  outcome: string;
  stream: Duplex | undefined;
}

function open(options?: OpenOptions, service = 'news', user = 'alice'): Opening {
  const opening: Opening = { outcome: 'waits', stream: undefined };
  desk.open(user, service, options).then(
    (stream) => {
      opening.outcome = 'open';
      opening.stream = stream.on('error', () => {});
    },
    (error: { code?: string; message: string }) => (opening.outcome = error.code ?? error.message),
  );
  return opening;
}

async function settle(...all: Called[]): Promise<void> {
  clock.runDeferred();
  for (const { client } of all) client.settle();
  await turn();
}

describe('a call', () => {
  test('comes to the service of the client, and is a stream both ways', async () => {
    const called = new Called(1);
    const opening = open();
    await settle(called);
    expect([opening.outcome, called.services, opening.stream]).toEqual([
      'open',
      ['news'],
      expect.objectContaining({ user: 'alice', service: 'news', session: '01010101' }),
    ]);
    opening.stream?.write('headline');
    await settle(called);
    expect([called.received, String(opening.stream?.read())]).toEqual(['headline', 'got it']);
    opening.stream?.end();
    await settle(called);
    opening.stream?.resume();
    await settle(called);
    expect(records).toMatchObject([
      {
        user: 'alice',
        listener: 'call:news',
        peer: undefined,
        answered: true,
        outcome: 'ok',
        bytesUp: 6,
        bytesDown: 8,
      },
    ]);
    expect([guard.inUse.channels, registry.describe()[0]?.arrivals]).toEqual([0, []]);
  });

  test('stands among the arrivals of the session, and counts as a channel of the user', async () => {
    const called = new Called(1);
    open();
    await settle(called);
    expect([guard.inUse.channels, registry.describe()[0]?.arrivals]).toMatchObject([
      1,
      [{ listener: 'call:news', open: true }],
    ]);
  });

  test('is asked of the client that has connected last, and of the others when that says no', async () => {
    const [first, second, third] = [new Called(1), new Called(2), new Called(3, 'DENIED')];
    const opening = open();
    await settle(third);
    await settle(second);
    expect([opening.outcome, first.services, second.services, third.services]).toEqual([
      'open',
      [],
      ['news'],
      ['news'],
    ]);
  });

  test('is asked of the clients that are there first', async () => {
    const [first, second] = [new Called(1), new Called(2)];
    second.client.cut();
    const opening = open();
    await settle(first);
    expect([opening.outcome, first.services]).toEqual(['open', ['news']]);
  });

  test.each([
    ['nobody is connected', [], 'NOT_CONNECTED'],
    ['no client has the service', ['DENIED', 'DENIED'] as const, 'DENIED'],
    ['the client says something else', ['take', 'INTERNAL'] as const, 'INTERNAL'],
  ])('fails when %s', async (_what, answers, code) => {
    const all = answers.map((answer, n) => new Called(n + 1, answer));
    new Called(9, 'take', 'bob');
    const opening = open();
    for (const one of all.toReversed()) await settle(one);
    await settle();
    expect([opening.outcome, guard.inUse.channels]).toEqual([code, 0]);
  });

  test('fails when the clients are of a version that takes none', async () => {
    const client = new TestClient(registry, clock, { id: 'alice' });
    client.connect();
    const opening = open();
    await settle();
    expect(opening.outcome).toBe('UNSUPPORTED');
  });

  test('fails for what can be no name', async () => {
    const called = new Called(1);
    const opening = open({}, '');
    await settle(called);
    expect(opening.outcome).toBe('BAD_TARGET');
  });

  test('that is made as a session begins comes to it', async () => {
    const openings: Opening[] = [];
    const called = new Called(1);
    called.client.session.leave('over');
    called.client.settle();
    const again = new Promise<void>((resolve) => {
      const { onChange } = desk;
      desk.onChange = () => {
        desk.onChange = onChange;
        openings.push(open());
        resolve();
      };
    });
    const next = new Called(2);
    await again;
    await settle(next);
    expect(openings.map(({ outcome }) => outcome)).toEqual(['open']);
  });
});

describe('while the client is away', () => {
  test('a call waits, and comes to it when it is back', async () => {
    const called = new Called(1);
    called.client.cut();
    const opening = open();
    await settle(called);
    clock.advance(20_000);
    expect([opening.outcome, guard.inUse.channels]).toEqual(['waits', 0]);
    called.client.connect();
    await settle(called);
    expect([opening.outcome, called.services]).toEqual(['open', ['news']]);
  });

  test('or to another client of the user that comes meanwhile', async () => {
    const called = new Called(1);
    called.client.cut();
    const opening = open();
    await settle(called);
    const other = new Called(2);
    await settle(other);
    expect([opening.outcome, called.services, other.services]).toEqual(['open', [], ['news']]);
  });

  test.each([
    [30_000, undefined],
    [5_000, 5_000],
  ])('for %i ms at most', async (time, timeout) => {
    const called = new Called(1);
    called.client.cut();
    const opening = open({ timeout });
    await settle(called);
    clock.advance(time - 100);
    await turn();
    expect(opening.outcome).toBe('waits');
    clock.advance(200);
    await turn();
    expect(opening.outcome).toBe('NOT_CONNECTED');
    called.client.connect();
    await settle(called);
    expect(called.services).toEqual([]);
  });

  test('and no longer than its session is kept', async () => {
    const called = new Called(1);
    called.client.cut();
    const opening = open({ timeout: 100_000 });
    await settle(called);
    clock.advance(GRACE);
    await settle(called);
    expect(opening.outcome).toBe('NOT_CONNECTED');
  });

  test('one that another client has refused fails with that when nobody comes back', async () => {
    const [away, there] = [new Called(1), new Called(2, 'DENIED')];
    away.client.cut();
    const opening = open();
    await settle(there);
    expect(opening.outcome).toBe('waits');
    clock.advance(30_000);
    await turn();
    expect(opening.outcome).toBe('DENIED');
  });
});

describe('a call that is given up', () => {
  test('by its signal is told so, and so is the client', async () => {
    const called = new Called(1, 'wait');
    const controller = new AbortController();
    const opening = open({ signal: controller.signal });
    await settle(called);
    controller.abort(new Error('enough'));
    await settle(called);
    expect([opening.outcome, called.channels[0]?.state.dead, guard.inUse.channels]).toEqual(['enough', true, 0]);
  });

  test('before it was made is never made', async () => {
    const called = new Called(1);
    const opening = open({ signal: AbortSignal.abort(new Error('enough')) });
    await settle(called);
    expect([opening.outcome, called.services]).toEqual(['enough', []]);
  });

  test('since nobody answers is over for both', async () => {
    const called = new Called(1, 'wait');
    const opening = open();
    await settle(called);
    clock.advance(30_000);
    await settle(called);
    expect([opening.outcome, called.channels[0]?.state.dead, guard.inUse.channels]).toEqual(['TIMED_OUT', true, 0]);
  });

  test('since the server is closed says so, and so does every later one', async () => {
    const called = new Called(1, 'wait');
    const opening = open();
    await settle(called);
    desk.close();
    const late = open();
    await settle(called);
    expect([opening.outcome, late.outcome]).toEqual(['SERVER_CLOSED', 'SERVER_CLOSED']);
  });
});

describe('when a session is lost', () => {
  test('a call that has come to its client fails, and nobody else is asked: it may have been taken', async () => {
    const [other, called] = [new Called(1), new Called(2, 'wait')];
    const opening = open();
    await settle(called);
    registry.of('alice').at(-1)?.session.close('expired', 4005);
    await settle(other);
    expect([opening.outcome, other.services]).toEqual(['SESSION_LOST', []]);
  });

  test('one of which its client has never heard is made to another', async () => {
    const [other, called] = [new Called(1), new Called(2)];
    const opening = open();
    clock.runDeferred();
    // It leaves ahead of what is on its way to it.
    called.client.session.leave('stopping');
    called.client.settle();
    await settle(other);
    expect([called.services, other.services, opening.outcome]).toEqual([[], ['news'], 'open']);
  });

  test('a stream fails with that', async () => {
    const called = new Called(1);
    const opening = open();
    await settle(called);
    registry.endSessionsOf('alice');
    await settle(called);
    expect([opening.stream?.errored, guard.inUse.channels]).toMatchObject([{ code: 'SESSION_LOST' }, 0]);
  });
});

describe('limits', () => {
  test.each([
    ['channelsPerSession', { channelsPerSession: 1 }],
    ['channels', { channels: 1 }],
  ] as const)('of %s hold for calls', async (name, limits) => {
    begin(limits);
    const called = new Called(1);
    const openings = [open(), open()];
    await settle(called);
    expect([openings.map(({ outcome }) => outcome), hits]).toEqual([['open', 'LIMIT_REACHED'], [name]]);
    expect(records).toMatchObject([{ answered: false, outcome: 'LIMIT_REACHED', channel: undefined }]);
  });

  test('of bytes a month do too', async () => {
    begin({ monthlyBytes: 1_048_576 });
    const called = new Called(1);
    const opening = open();
    await settle(called);
    opening.stream?.write('x'.repeat(1_100_000));
    for (let round = 0; round < 20; round++) await settle(called);
    expect([opening.stream?.errored, hits]).toMatchObject([{ code: 'QUOTA_USED_UP' }, ['monthlyBytes']]);
    const next = open();
    await settle(called);
    expect(next.outcome).toBe('QUOTA_USED_UP');
  });

  test('of a rate make what is written wait, and lose nothing', async () => {
    begin({ rateDown: 10_000 });
    const called = new Called(1);
    const opening = open();
    await settle(called);
    opening.stream?.end('x'.repeat(100_000));
    await settle(called);
    expect(called.received.length).toBeLessThan(100_000);
    for (let second = 0; second < 20; second++) {
      clock.advance(1_000);
      await settle(called);
    }
    expect([called.received.length, hits]).toEqual([100_000, ['rateDown']]);
  });
});

describe('where the user may have sessions in other processes', () => {
  /** What comes of asking them, one after the other; the last one again and again. */
  const elsewhere = (...answers: (Found | Error)[]): string[] => {
    const asked: string[] = [];
    const openElsewhere = async ({ user, service }: CallWish): Promise<Found> => {
      asked.push(`${user} ${service}`);
      const answer = answers.length > 1 ? answers.shift() : answers[0];
      if (answer instanceof Error || answer === undefined) throw answer;
      return answer;
    };
    begin({}, { elsewhere: () => openElsewhere });
    return asked;
  };

  test('these are asked', async () => {
    const stream = new Duplex({ read() {} });
    const asked = elsewhere(stream);
    const opening = open();
    await settle();
    await settle();
    expect([asked, opening.outcome, opening.stream]).toEqual([['alice news'], 'open', stream]);
  });

  test.each<[string, Found | Error, string]>([
    ['have none either', 'nobody', 'NOT_CONNECTED'],
    ['cannot be asked', new Error('no way'), 'NOT_CONNECTED'],
    ['have a client that says no', 'DENIED', 'DENIED'],
    ['have lost it when it was called', 'SESSION_LOST', 'SESSION_LOST'],
  ])('and when they %s the call fails', async (_what, answer, outcome) => {
    elsewhere(answer);
    const opening = open();
    await settle();
    await settle();
    expect(opening.outcome).toBe(outcome);
  });

  test('none is asked where a client takes it here', async () => {
    const asked = elsewhere('nobody');
    const called = new Called(1);
    const opening = open();
    await settle(called);
    expect([asked, opening.outcome]).toEqual([[], 'open']);
  });

  test('they are asked again, every 2 s, while a client is away there', async () => {
    const stream = new Duplex({ read() {} });
    const asked = elsewhere('away', 'away', stream);
    const opening = open();
    await settle();
    await settle();
    expect([asked.length, opening.outcome]).toEqual([1, 'waits']);
    clock.advance(2_000);
    await settle();
    await settle();
    clock.advance(2_000);
    await settle();
    await settle();
    expect([asked.length, opening.outcome]).toEqual([3, 'open']);
  });

  test('they are asked again while the client that was here is away, which may come back there', async () => {
    const stream = new Duplex({ read() {} });
    const asked = elsewhere('nobody', stream);
    const called = new Called(1);
    called.client.cut();
    const opening = open();
    await settle(called);
    await settle(called);
    expect([asked.length, opening.outcome]).toEqual([1, 'waits']);
    clock.advance(2_000);
    await settle(called);
    await settle(called);
    expect([asked.length, opening.stream]).toEqual([2, stream]);
  });

  test('the client that comes here meanwhile takes it', async () => {
    elsewhere('away');
    const opening = open();
    await settle();
    await settle();
    const called = new Called(1);
    await settle(called);
    await settle(called);
    expect([opening.outcome, called.services]).toEqual(['open', ['news']]);
  });

  test('what they bring too late is destroyed', async () => {
    const stream = new Duplex({ read() {} });
    elsewhere(stream);
    const controller = new AbortController();
    const opening = open({ signal: controller.signal });
    clock.runDeferred();
    controller.abort(new Error('enough'));
    await settle();
    expect([opening.outcome, stream.destroyed]).toEqual(['enough', true]);
  });
});

describe('for another process', () => {
  const openHere = async (): Promise<string> => {
    let outcome = 'waits';
    desk.openHere('alice', 'news', new AbortController().signal).then(
      ({ session }) => {
        outcome = session;
      },
      ({ code }) => {
        outcome = code;
      },
    );
    await settle();
    await settle();
    return outcome;
  };

  test('a call is for who is connected here', async () => {
    const called = new Called(1);
    const opening = openHere();
    await settle(called);
    expect([await opening, called.services]).toEqual(['01010101', ['news']]);
  });

  test('a call fails at once when nobody is, and when the client is away', async () => {
    expect(await openHere()).toBe('NOT_CONNECTED');
    new Called(1).client.cut();
    expect(await openHere()).toBe('TUNNEL_DOWN');
  });
});
