import { expect, test } from 'vitest';
import { bytesOf, isEqual, textOf } from 'wsproxy-test-support/engine/bytes';
import { effort } from 'wsproxy-test-support/engine/effort';
import { newMemory } from 'wsproxy-test-support/engine/new-memory';
import { pattern } from 'wsproxy-test-support/engine/pattern';
import { Random } from 'wsproxy-test-support/engine/random';
import { Recorder } from 'wsproxy-test-support/engine/recorder';
import { CloseCode } from '../../src/constants.js';
import type { Carried } from '../../src/session/carried.js';
import { Session } from '../../src/session/session.js';
import { FakeClock } from '../../src/testing/fake-clock.js';
import { SessionPair } from './session-pair.js';

const TARGET = { host: 'example.org', port: 80 };

/** A client session that was never connected, which gives its unsent channels to `heir` when it is closed. */
function abandonedSession(clock: FakeClock, heir: Session | undefined): Session {
  return new Session({
    role: 'client',
    clock,
    memory: newMemory(),
    onDetached: () => {},
    onClosed: (_reason, unsent: readonly Carried[]) => {
      for (const channel of unsent) heir?.adopt(channel);
    },
  });
}

test('a channel that no peer has heard of goes over to another session with all that was written', () => {
  const pair = new SessionPair().connect().settle();
  const taken = pair.open();
  const session = abandonedSession(pair.clock, pair.client);
  const near = new Recorder();
  near.take(session.open(TARGET, near));
  near.channel.write(bytesOf('early'));
  near.channel.end();
  const far = new Recorder();
  pair.keeper.onChannel = (channel) => {
    channel.accept();
    far.take(channel);
  };

  session.close('the server does not know it', CloseCode.normal);
  pair.settle();

  expect([near.events, textOf(far.bytes), far.events]).toEqual([['open'], 'early', ['data', 'end']]);
  expect(near.channel.id).not.toBe(taken.near.channel.id);
});

test('a channel that nobody adopts fails once', () => {
  const session = abandonedSession(new FakeClock(), undefined);
  const near = new Recorder();
  near.take(session.open(TARGET, near));
  session.close('over', CloseCode.normal);
  expect(near.events).toEqual(['fail SESSION_LOST']);
});

test('a channel whose OPEN has left is reset with its session', () => {
  const pair = new SessionPair().connect().settle();
  const near = new Recorder();
  near.take(pair.client.open(TARGET, near));
  pair.clock.runDeferred();
  pair.client.close('over', CloseCode.normal);
  expect(near.events).toEqual(['fail SESSION_LOST']);
});

test('a channel that was released leaves nothing in its first session, no matter what is written when that one resumes', () => {
  const [first, second] = [new SessionPair().connect().settle(), new SessionPair().connect().settle()];
  const running = first.open();
  first.cut();
  const near = first.request();
  near.channel.write(pattern(2, 0, 50_000));
  for (const channel of first.client.release('unsent')) second.client.adopt(channel);
  near.channel.write(pattern(2, 50_000, 50_000));
  const far = new Recorder();
  second.keeper.onChannel = (channel) => {
    channel.accept();
    far.take(channel);
  };

  first.connect();
  running.near.channel.write(bytesOf('mine'));
  first.settle();
  near.channel.end();
  second.run(() => far.events.includes('end'));
  first.settle();

  expect(running.far.text).toBe('mine');
  expect(isEqual(far.bytes, pattern(2, 0, 100_000))).toBe(true);
  expect([first.client.channelCount, first.server.figures.received]).toEqual([1, 2]);
});

test('a channel that was released and given up fails nobody, and is not adopted', () => {
  const pair = new SessionPair().connect().settle();
  const lost = abandonedSession(pair.clock, undefined);
  const near = new Recorder();
  near.take(lost.open(TARGET, near));
  const [channel] = lost.release('unsent');
  near.channel.reset();
  if (channel !== undefined) pair.client.adopt(channel);
  pair.settle();
  expect([channel, near.events, pair.keeper.offered]).toEqual([near.channel, [], []]);
});

test('a channel fails when the session that should adopt it is closed', () => {
  const [first, second] = [abandonedSession(new FakeClock(), undefined), abandonedSession(new FakeClock(), undefined)];
  const near = new Recorder();
  near.take(first.open(TARGET, near));
  second.close('over', CloseCode.normal);
  for (const channel of first.release('unsent')) second.adopt(channel);
  expect(near.events).toEqual(['fail SESSION_LOST']);
});

test('a channel is not adopted while another session carries it', () => {
  const [first, second] = [new SessionPair(), new SessionPair()];
  const { channel } = first.request();
  expect(() => second.client.adopt(channel)).toThrow('another session carries');
});

/** Applications whose connections wait, go over to other servers, and run, while transports come and go. */
function wander(seed: number): void {
  const random = new Random(seed);
  const pairs = [0, 1, 2].map(() => new SessionPair().connect().settle());
  const talks: { near: Recorder; far: Recorder | undefined; written: number }[] = [];
  for (const { keeper } of pairs) {
    keeper.onChannel = (channel) => {
      const talk = talks[channel.target.port - 1];
      if (talk === undefined || talk.far !== undefined) throw new Error(`${channel.target.port} was opened wrongly`);
      channel.accept();
      talk.far = new Recorder().take(channel);
    };
  }
  const open = (pair: SessionPair): void => {
    const near = new Recorder();
    near.take(pair.client.open({ host: 'example.org', port: talks.length + 1 }, near));
    talks.push({ near, far: undefined, written: 0 });
  };
  const write = (talk: (typeof talks)[number]): void => {
    const length = 1 + random.below(30_000);
    talk.near.channel.write(pattern(talks.indexOf(talk), talk.written, length));
    talk.written += length;
  };
  for (let step = 0; step < 80; step++) {
    const pair = random.pick(pairs);
    const kind = random.below(10);
    if (kind < 1 && talks.length < 10) open(pair);
    else if (kind < 4 && talks.length > 0) write(random.pick(talks));
    else if (kind < 6) for (const channel of pair.client.release('unsent')) random.pick(pairs).client.adopt(channel);
    else if (kind < 8) pair.connect();
    else if (kind < 9) pair.settle();
    else if (pair.client.attached) pair.cut();
  }
  for (const pair of pairs) pair.connect();
  for (const { near } of talks) near.channel.end();
  const hasEnded = (pair: SessionPair) => pair.client.channels.every(({ state }) => state.sending === 'ended');
  for (const pair of pairs) pair.run(() => hasEnded(pair) && pair.client.figures.sent === pair.server.figures.received);
  for (const [key, { far, written }] of talks.entries()) {
    if (!isEqual(far?.bytes, pattern(key, 0, written))) throw new Error(`connection ${key} got wrong bytes`);
  }
}

test('every byte arrives once, at its own connection, however often channels change their session', () => {
  for (let seed = 1; seed <= effort('SEEDS', 300); seed++) {
    try {
      wander(seed);
    } catch (error) {
      throw new Error(`SEED=${seed}: ${String(error)}`, { cause: error });
    }
  }
}, 60_000);
