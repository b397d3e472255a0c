import { beforeEach, describe, expect, test } from 'vitest';
import type { Channel, FailureCode, Logger } from 'wsproxy-engine';
import { FakeClock } from 'wsproxy-engine/testing';
import { newMemory } from 'wsproxy-test-support/engine/new-memory';
import { Guard } from '../../src/limits/guard.js';
import { resolveLimits } from '../../src/limits/limits.js';
import type { ChannelRecord } from '../../src/observe/observer.js';
import { SessionRegistry } from '../../src/sessions/session-registry.js';
import type { User } from '../../src/users/user.js';
import { key, RawTransport, resumeFrame, TestClient } from './test-client.js';

const MAX_GRACE = 60_000;
const alice: User = { id: 'alice' };
const bob: User = { id: 'bob' };

let clock: FakeClock;
let registry: SessionRegistry;
/** The server's ends of the channels, and how they were reset. */
let channels: Channel[];
let resets: FailureCode[];
/** Anyone who may come in now, with the rules of now; and the rules that counted for each channel. */
let present: Map<string, User>;
let rules: User[];
let logged: { message: string; fields: object }[];
/** Of those, what nobody has to read. */
let quiet: object[];
let events: string[];

beforeEach(() => {
  clock = new FakeClock();
  channels = [];
  resets = [];
  present = new Map([alice, bob].map((user) => [user.id, user]));
  rules = [];
  logged = [];
  quiet = [];
  events = [];
  const log = (fields: object, message: string): number => logged.push({ message, fields });
  const debug = (fields: object, message: string): number => log(fields, message) + quiet.push({ message, fields });
  const logger: Logger = { debug, info: log, warn: log, error: log };
  registry = new SessionRegistry({
    clock,
    memory: newMemory(),
    logger,
    maxGrace: MAX_GRACE,
    guard: new Guard({
      limits: resolveLimits({ memory: 1_000_000, sessions: 20, sessionsPerUser: 10 }),
      clock,
      logger,
    }),
    observer: { onSession: (event, { user, id }) => events.push(`${event} ${user} ${id.slice(0, 4)}`) },
    present: (user) => present.get(user.id),
    onChannel: (channel, user, session) => {
      channels.push(channel);
      rules.push(user);
      channel.onOver(() => session.onChannelOver(recordOf(channel)));
      channel.accept();
      channel.start({
        onData: (chunk) => channel.consumed(chunk.length),
        onEnd() {},
        onReset: (code) => resets.push(code),
        onWritable() {},
      });
    },
  });
});

const recordOf = ({ figures }: Channel): ChannelRecord => ({
  ...{ user: '', session: '', channel: 0, target: '', address: undefined, dialMs: undefined },
  ...{ connected: true, refused: false, outcome: figures.failure ?? 'ok', windowStalls: 0, durationMs: 0 },
  ...{ bytesUp: figures.bytesReceived, bytesDown: figures.bytesSent },
});

const client = (value = 1, user = alice, grace = MAX_GRACE): TestClient =>
  new TestClient(registry, clock, user, value, grace);

/** How the server answers a RESUME. */
function resumed(session: number, attempt: number, user = alice, secret = session, from?: string): number | undefined {
  const claim = { id: key(session).id, secret: key(secret).secret };
  return new RawTransport(registry, user, { remoteAddress: from }).say(resumeFrame(claim, attempt, 0)).closeCode;
}

describe('a session', () => {
  test('begins with HELLO, and is counted with its channels', () => {
    client(1).connect().open();
    const second = client(2, bob).connect();
    second.open();
    second.open();
    expect([registry.size, registry.channelCount]).toEqual([2, 3]);
    expect(logged.filter(({ message }) => message === 'session began').map(({ fields }) => fields)).toEqual([
      { user: 'alice', session: '01010101' },
      { user: 'bob', session: '02020202' },
    ]);
  });

  test('is resumed by RESUME, and its channels go on', () => {
    const near = client().connect();
    const application = near.open();
    near.cut();
    channels[0]?.write(Buffer.from('meanwhile'));
    near.connect();
    expect([registry.size, near.welcomes, application.bytes]).toEqual([1, 2, 'meanwhile']);
    expect(application.events).toEqual(['open']);
  });

  test('is described with where it comes from now, and with its channels', () => {
    const near = client();
    near.address = '192.0.2.1';
    near.connect().open();
    expect(registry.describe()).toMatchObject([
      { user: 'alice', id: '01010101', remoteAddress: '192.0.2.1', attached: true, resumes: 0 },
    ]);
    const [before] = registry.describe();
    near.cut();
    clock.advance(1_000);
    near.address = '192.0.2.2';
    near.connect();
    const [after] = registry.describe();
    expect(after).toMatchObject({ remoteAddress: '192.0.2.2', attached: true, resumes: 1 });
    expect(after?.channels).toMatchObject([{ target: 'example.org:80', open: true, bytesUp: 0, bytesDown: 0 }]);
    expect((after?.ageMs ?? 0) - (before?.ageMs ?? 0)).toBeGreaterThanOrEqual(1_000);
  });

  test('is not described as coming from where somebody tried to resume it with a wrong secret', () => {
    const near = client();
    near.address = '192.0.2.1';
    near.connect();
    const claim = { id: key(1).id, secret: key(2).secret };
    new RawTransport(registry, alice, { remoteAddress: '192.0.2.66' }).say(resumeFrame(claim, 1, 0));
    expect(registry.describe()).toMatchObject([{ remoteAddress: '192.0.2.1' }]);
  });

  test('is told by the log from its beginning to its end: who, from where, by what, how much, and how long', () => {
    const began = clock.now();
    const near = Object.assign(client(), { address: '192.0.2.1', version: '1.2.3' }).connect();
    const application = near.open();
    application.channel?.write(Buffer.from('five!'));
    near.cut();
    clock.advance(1_000);
    Object.assign(near, { address: '192.0.2.2', version: '1.2.4' }).connect();
    near.session.leave('for the test');
    const who = { user: 'alice', session: '01010101' };
    const [before, after] = [
      { remoteAddress: '192.0.2.1', version: '1.2.3' },
      { remoteAddress: '192.0.2.2', version: '1.2.4' },
    ];
    const durationMs = clock.now() - began;
    expect(logged.filter(({ message }) => message.startsWith('session '))).toEqual([
      { message: 'session began', fields: { ...who, ...before } },
      { message: 'session detached', fields: { ...who, ...before, code: 1006, reason: 'terminated', channels: 1 } },
      { message: 'session resumed', fields: { ...who, ...after, channels: 1, awayMs: expect.any(Number) } },
      {
        message: 'session over',
        fields: {
          ...{ ...who, ...after, reason: 'the peer has left', channels: 1, bytesUp: 5, bytesDown: 0, resumes: 1 },
          durationMs,
        },
      },
    ]);
  });

  test('is shown to an observer from its beginning to its end', () => {
    const near = client().connect();
    near.cut();
    near.connect();
    near.session.leave('for the test');
    expect(events).toEqual(['began', 'detached', 'resumed', 'over'].map((event) => `${event} alice 0101`));
  });

  test('is taken over by a new transport while the old one seems to live', () => {
    const near = client().connect();
    const application = near.open();
    near.connect();
    channels[0]?.write(Buffer.from('here'));
    near.settle();
    expect([registry.size, application.bytes, resets]).toEqual([1, 'here', []]);
  });

  test('that the client has left is over at once, its channels reset', () => {
    const near = client().connect();
    near.open();
    near.session.leave('for the test');
    expect([registry.size, registry.channelCount, resets]).toEqual([0, 0, ['SESSION_LOST']]);
    expect(clock.pending).toBe(0);
  });

  test('cannot be begun twice', () => {
    client().connect().open();
    const second = client().connect();
    expect(second.losses).toMatchObject([{ code: 4003 }]);
    expect(registry.size).toBe(1);
    expect(resets).toEqual([]);
  });
});

describe('a session whose token expires', () => {
  const EXPIRY = 100_000;
  const expiring: User = { id: 'alice', tokenLabel: 'old', tokenExpires: new Date(EXPIRY) };

  beforeEach(() => {
    present.set('alice', expiring);
  });

  /** Lets time pass, by the clock, with a client that answers. */
  function pass(near: TestClient, until: number): void {
    while (clock.now() < until) {
      clock.advance(Math.min(1_000, until - clock.now()));
      near.settle();
    }
  }

  test('is asked to come back, and goes on for ever with another token', () => {
    const near = client().connect();
    const application = near.open();
    pass(near, EXPIRY - 100);
    expect(near.goAways).toEqual([]);
    pass(near, EXPIRY + 100);
    expect(near.goAways).toEqual(['migrate']);
    present.set('alice', { id: 'alice', tokenLabel: 'new' });
    near.connect();
    pass(near, EXPIRY + 300_000);
    expect([registry.size, near.goAways, application.events, resets]).toEqual([1, ['migrate'], ['open'], []]);
    expect(logged.map(({ message, fields }) => [message, (fields as User).tokenLabel])).toEqual([
      ['session began', 'old'],
      ['the token of a session has expired', 'old'],
      ['session detached', 'old'],
      ['session resumed', 'new'],
    ]);
    expect(registry.describe()).toMatchObject([{ tokenLabel: 'new' }]);
  });

  test('is asked again and again, for a minute, and then its client is told why it has lost access', () => {
    const near = client().connect();
    near.open();
    pass(near, EXPIRY + 59_000);
    expect([near.goAways.length, registry.size]).toEqual([5, 1]);
    pass(near, EXPIRY + 60_100);
    expect([registry.size, resets]).toEqual([0, ['SESSION_LOST']]);
    expect(near.losses).toMatchObject([{ code: 4001, reason: 'the token has expired' }]);
    expect(logged.filter(({ message }) => message === 'the token of a session has expired')).toHaveLength(1);
  });

  test('is over at the same time when its client is away', () => {
    const near = client().connect();
    pass(near, EXPIRY + 30_000);
    near.cut();
    clock.advance(30_100);
    expect(registry.size).toBe(0);
    near.session.close('for the test', 1000);
    expect(clock.pending).toBe(0);
  });

  test('goes by the time of day, whenever that is set', () => {
    const near = client().connect();
    clock.wallOffset = EXPIRY;
    pass(near, 60_100);
    expect(logged.map(({ message }) => message)).toContain('the token of a session has expired');
  });

  test('lives as long as the users of now say', () => {
    const near = client().connect();
    pass(near, EXPIRY + 100);
    present.set('alice', { ...expiring, tokenExpires: new Date(3 * EXPIRY) });
    registry.endAbsent();
    pass(near, 3 * EXPIRY - 100);
    expect([registry.size, near.goAways]).toEqual([1, ['migrate']]);
    pass(near, 3 * EXPIRY + 61_000);
    expect(registry.size).toBe(0);
  });
});

describe('a detached session', () => {
  test('is kept for its grace, then every channel is reset, once', () => {
    const near = client().connect();
    near.open();
    near.open();
    near.cut();
    clock.advance(MAX_GRACE - 1_000);
    expect([registry.size, resets]).toEqual([1, []]);
    clock.advance(1_000);
    expect([registry.size, resets]).toEqual([0, ['SESSION_LOST', 'SESSION_LOST']]);
    expect(clock.pending).toBe(0);
  });

  test('has the grace that the client wished for, but not more than the server, or the user, may have', () => {
    present.set('bob', { ...bob, limits: { grace: 5 * MAX_GRACE } });
    expect(client(3, bob, 3_600_000).connect().grace).toBe(5 * MAX_GRACE);
    const [modest, greedy] = [client(1, alice, 10_000).connect(), client(2, alice, 3_600_000).connect()];
    expect([modest.grace, greedy.grace]).toEqual([10_000, MAX_GRACE]);
    for (const each of [modest, greedy]) each.cut();
    clock.advance(10_000);
    expect(registry.size).toBe(2);
    clock.advance(MAX_GRACE - 10_000);
    expect(registry.size).toBe(1);
  });

  test('has its whole grace again after each resume', () => {
    const near = client().connect();
    near.open();
    for (let n = 0; n < 5; n++) {
      near.cut();
      clock.advance(MAX_GRACE - 1_000);
      near.connect();
    }
    expect([registry.size, resets]).toEqual([1, []]);
    // One that is attached has no end.
    clock.advance(40_000);
    expect(registry.size).toBe(1);
  });

  test('keeps no timer of a grace that a resume has ended', () => {
    const near = client().connect();
    clock.advance(1_000);
    const before = clock.pending;
    near.cut();
    near.connect();
    clock.advance(1_000);
    expect(clock.pending).toBe(before);
  });

  test('is told apart from one that was never there: 4005 expired, 4006 unknown', () => {
    client().connect().cut();
    clock.advance(MAX_GRACE);
    expect([resumed(1, 1), resumed(2, 1)]).toEqual([4005, 4006]);
    expect(logged.filter(({ message }) => message === 'refused a session').map(({ fields }) => fields)).toEqual([
      { user: 'alice', reason: 'the session has expired' },
      { user: 'alice', reason: 'unknown session' },
    ]);
  });

  test('is asked for in vain as often as one likes without filling the disk', () => {
    for (let n = 0; n < 300; n++) resumed(2, 1);
    expect(logged.filter(({ message }) => message === 'refused a session')).toHaveLength(100);
  });

  test('is looked for by a doctor, of whom the log says nothing', () => {
    const [doctor, other] = [{ probe: true } as const, {}].map((caller) => new RawTransport(registry, alice, caller));
    for (const transport of [doctor, other])
      transport?.say(resumeFrame({ id: key(2).id, secret: key(2).secret }, 1, 0));
    expect([doctor?.closeCode, other?.closeCode]).toEqual([4006, 4006]);
    expect(logged.filter(({ message }) => message === 'refused a session')).toHaveLength(2);
    expect(quiet).toEqual([
      { message: 'refused a session', fields: { user: 'alice', probe: true, reason: 'unknown session' } },
    ]);
  });

  test('is asked for from as many addresses as one likes, which are one flood of that user', () => {
    const before = clock.pending;
    for (let n = 0; n < 300; n++) resumed(2, 1, alice, 2, `2001:db8::${n}`);
    clock.advance(1_000);
    const lines = logged.filter(({ message }) => message === 'refused a session').map(({ fields }) => fields);
    expect(lines.slice(100)).toMatchObject([{ user: 'alice', remoteAddress: '2001:db8::299', unlogged: 199 }]);
    expect(clock.pending).toBe(before);
  });

  test('is remembered as expired among the last thousand only', () => {
    for (let value = 0; value < 5; value++) client(value).connect().session.leave('for the test');
    for (let n = 0; n < 996; n++) {
      const one = client(200);
      one.key.id.set([n >>> 8, n]);
      one.connect().session.leave('for the test');
    }
    expect([resumed(0, 1), resumed(1, 1)]).toEqual([4006, 4005]);
  });
});

describe('a RESUME that proves nothing', () => {
  test.each([
    ['with another secret is answered as if the session were unknown', 1, bob, 7, 4006],
    ['of another user is answered as if the session were unknown', 5, bob, 1, 4006],
    ['with the right user and another secret, too', 5, alice, 7, 4006],
    ['with an attempt that is not new is superseded', 1, alice, 1, 4004],
  ])('%s, and neither disturbs the session nor makes it live longer', (_kind, attempt, user, secret, code) => {
    const near = client().connect();
    near.open();
    near.cut().connect();
    expect(resumed(1, attempt, user, secret)).toBe(code);
    expect(near.session.attached).toBe(true);
    near.cut();
    clock.advance(MAX_GRACE / 2);
    expect(resumed(1, attempt, user, secret)).toBe(code);
    expect(registry.size).toBe(1);
    clock.advance(MAX_GRACE / 2);
    expect([registry.size, resets]).toEqual([0, ['SESSION_LOST']]);
  });

  test('by claiming what was never sent ends the session, loudly', () => {
    const near = client().connect();
    near.open();
    const transport = new RawTransport(registry, alice).say(resumeFrame(key(1), 9, 1_000));
    expect([transport.closeCode, registry.size, resets]).toEqual([4003, 0, ['SESSION_LOST']]);
  });
});

describe('draining', () => {
  async function done(promise: Promise<number>): Promise<number | 'pending'> {
    return Promise.race([promise, new Promise<'pending'>((resolve) => setImmediate(resolve, 'pending'))]);
  }

  test('an idle server is over at once', async () => {
    client().connect();
    expect(await done(registry.drain(30_000))).toBe(0);
  });

  test('waits for the last channel, and for the client to have all of it', async () => {
    const near = client().connect();
    const application = near.open();
    const drained = registry.drain(30_000);
    near.settle();
    expect(near.goAways).toEqual(['drain']);
    expect(await done(drained)).toBe('pending');

    application.channel?.end();
    near.settle();
    near.cut();
    channels[0]?.write(Buffer.from('the last words'));
    channels[0]?.end();
    clock.advance(100);
    expect(await done(drained)).toBe('pending');
    near.connect();
    expect([application.bytes, application.events]).toEqual(['the last words', ['open', 'end']]);
    expect(await done(drained)).toBe(0);
  });

  test('ends at its deadline, and tells how many channels are left', async () => {
    const near = client().connect();
    near.open();
    near.open();
    const drained = registry.drain(30_000);
    clock.advance(29_999);
    expect(await done(drained)).toBe('pending');
    clock.advance(1);
    expect(await done(drained)).toBe(2);
    registry.close();
    expect(resets).toHaveLength(2);
  });

  test('does not wait for a session that is away when its grace ends', async () => {
    const near = client(1, alice, 5_000).connect();
    near.open();
    near.cut();
    const drained = registry.drain(30_000);
    clock.advance(5_000);
    expect(await done(drained)).toBe(0);
  });

  test('turns new sessions away with 1012, and new channels in the last second', () => {
    const near = client().connect();
    near.open();
    void registry.drain(30_000);
    expect(near.open().events).toEqual(['open']);
    clock.advance(29_000);
    expect(near.settle().open().events).toEqual(['fail GOING_AWAY']);
    const other = client(2).connect();
    expect(other.losses).toMatchObject([{ code: 1012 }]);
    expect(registry.size).toBe(1);
  });
});

test('close resets every channel, attached or not, and leaves no timer', () => {
  const [first, second] = [client(1).connect(), client(2).connect()];
  first.open();
  second.open();
  second.cut();
  registry.close();
  first.settle();
  expect([registry.size, resets]).toEqual([0, ['SESSION_LOST', 'SESSION_LOST']]);
  expect(first.session.closed).toBe(true);
  second.session.close('for the test', 1000);
  expect(clock.pending).toBe(0);
});

test('what sessions hold for a replay is given back when they end', () => {
  for (let value = 0; value < 20; value++) {
    const near = client(value).connect();
    const application = near.open();
    near.cut();
    channels.at(-1)?.write(Buffer.alloc(60_000));
    clock.advance(100);
    near.connect();
    expect(application.bytes).toHaveLength(60_000);
    near.cut();
    channels.at(-1)?.write(Buffer.alloc(60_000));
    clock.advance(MAX_GRACE);
  }
  expect(registry.size).toBe(0);
});

describe('when the users change', () => {
  test('a channel is judged by the rules of now, also in a session of before', () => {
    const near = client().connect();
    near.open();
    const stricter: User = { id: 'alice', limits: { channels: 1 } };
    present.set('alice', stricter);
    registry.endAbsent();
    near.open();
    expect(rules).toEqual([alice, stricter]);
  });

  test('the sessions of one who is gone end, attached or not, with 4001, and no others', () => {
    const [attached, detached, other] = [client(1).connect(), client(2).connect(), client(3, bob).connect()];
    for (const near of [attached, detached, other]) near.open();
    detached.cut();
    present.delete('alice');
    registry.endAbsent();
    attached.settle();
    expect(attached.losses).toMatchObject([{ code: 4001, reason: /removed, disabled or given another token/ }]);
    expect([registry.size, resets]).toEqual([1, ['SESSION_LOST', 'SESSION_LOST']]);
    expect(other.session.attached).toBe(true);
  });

  test('one who is gone since the upgrade neither begins a session nor resumes one', () => {
    client(1).connect().cut();
    present.delete('alice');
    expect(client(2).connect().losses).toMatchObject([{ code: 4001 }]);
    expect(resumed(1, 1)).toBe(4001);
  });
});

describe('limits of sessions', () => {
  test('a user with too many is told to come later, with 1013, and others are not', () => {
    const living = Array.from({ length: 10 }, (_, i) => client(i).connect());
    expect(client(10).connect().losses).toMatchObject([{ code: 1013, reason: /too many sessions/ }]);
    expect(registry.size).toBe(10);
    expect(client(11, bob).connect().losses).toEqual([]);
    living[0]?.session.leave('for the test');
    expect(client(12).connect().losses).toEqual([]);
  });

  test('the limit of the user counts in place of the general one', () => {
    present.set('alice', { id: 'alice', limits: { sessions: 1 } });
    client(1).connect();
    expect(client(2).connect().losses).toMatchObject([{ code: 1013 }]);
  });

  test('all users together have one, too', () => {
    for (let value = 0; value < 20; value++) client(value, value % 2 === 0 ? alice : bob).connect();
    present.set('carol', { id: 'carol' });
    expect(client(20, { id: 'carol' }).connect().losses).toMatchObject([{ code: 1013 }]);
  });

  test('the one that has been detached for longest makes room, and its client learns that it has expired', () => {
    const living = Array.from({ length: 10 }, (_, i) => client(i).connect());
    for (const value of [4, 2, 7]) {
      living[value]?.cut();
      clock.advance(1_000);
    }
    expect(client(10).connect().losses).toEqual([]);
    expect(registry.size).toBe(10);
    expect([resumed(4, 9), resumed(2, 9)]).toEqual([4005, undefined]);
  });

  test('one with channels makes no room as long as there is one without, such as greetings leave that were cut', () => {
    const near = client(0).connect();
    const application = near.open();
    near.cut();
    for (let value = 1; value <= 20; value++) {
      clock.advance(1_000);
      client(value).connect().cut();
    }
    expect([registry.size, resumed(1, 9), resumed(11, 9), resumed(12, 9)]).toEqual([10, 4005, 4005, undefined]);
    channels[0]?.write(Buffer.from('still there'));
    near.connect();
    expect([application.bytes, application.events]).toEqual(['still there', ['open']]);
  });

  test('with channels in all of them, it is again the one that has been detached for longest', () => {
    const living = Array.from({ length: 10 }, (_, i) => client(i).connect());
    for (const near of living) near.open();
    for (const value of [4, 2]) {
      living[value]?.cut();
      clock.advance(1_000);
    }
    expect(client(10).connect().losses).toEqual([]);
    expect([resumed(4, 9), living[2]?.connect().welcomes]).toEqual([4005, 2]);
  });

  test('a WebSocket counts until it is closed, although its session has let go of it', () => {
    present.set('alice', { id: 'alice', limits: { sessions: 1 } });
    const user = present.get('alice') as User;
    const closings = Array.from({ length: 5 }, () => registry.onOpen(user));
    expect([registry.refuses(user), registry.refuses(bob)]).toEqual(['sessionsPerUser', undefined]);
    closings[0]?.();
    expect(registry.refuses(user)).toBeUndefined();
  });

  test('there is room for one more transport by each way, since it may be there to take over', () => {
    present.set('alice', { id: 'alice', limits: { sessions: 2 } });
    const user = present.get('alice') as User;
    const near = [client(1).connect(), client(2).connect()];
    const silent = Array.from({ length: 4 }, () => new RawTransport(registry, user));
    expect([registry.refuses(user), registry.refuses(bob)]).toEqual(['sessionsPerUser', undefined]);
    silent[0]?.say(Buffer.alloc(8, 0x7f));
    expect(registry.refuses(user)).toBeUndefined();
    near[0]?.cut();
    new RawTransport(registry, user);
    clock.advance(5_000);
    expect([silent[1]?.closeCode, registry.refuses(user)]).toEqual([4007, undefined]);
  });
});
