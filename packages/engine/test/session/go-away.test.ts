import { describe, expect, test } from 'vitest';
import { bytesOf, textOf, u32At } from 'wsproxy-test-support/engine/bytes';
import { goAway, hello, open, openFail, resume } from 'wsproxy-test-support/engine/frames';
import { newMemory } from 'wsproxy-test-support/engine/new-memory';
import { RawPeer } from 'wsproxy-test-support/engine/raw-peer';
import { FAILURES } from '../../src/failures.js';
import { FrameType } from '../../src/frame/frame.js';
import { Link } from '../../src/session/link.js';
import { Session } from '../../src/session/session.js';
import { FakeClock } from '../../src/testing/fake-clock.js';
import { RawClient } from './raw-session.js';
import { SessionPair } from './session-pair.js';

describe('a server that drains', () => {
  test('F25: says so, refuses what is opened from then on, and lets the others go on', () => {
    const client = new RawClient();
    const peer = client.greeted().say(open(1));
    client.keeper.offered[0]?.accept();
    client.keeper.session.drain(30_000);
    peer.settle();
    const [told] = peer.heard(FrameType.goAway);
    expect(told?.payload).toEqual(bytesOf([1, 0, 0, 0, 0, 0, 0x75, 0x30]));
    peer.say(open(3));
    expect(peer.heard(FrameType.openFail)).toEqual([openFail(3, FAILURES.GOING_AWAY.wire)]);
    client.keeper.offered[0]?.write(bytesOf('still here'));
    peer.settle();
    expect(textOf(peer.dataOf(1))).toBe('still here');
    expect(client.keeper.offered).toHaveLength(1);
  });

  test('tells a client again that was away', () => {
    const client = new RawClient();
    client.greeted().close(1006);
    client.keeper.session.drain(30_000);
    client.clock.advance(10_000);
    const [told] = client.connect().say(resume()).heard(FrameType.goAway);
    expect(u32At(told?.payload, 4)).toBe(20_000);
  });
});

test('a server that wants another transport says so', () => {
  const client = new RawClient();
  const peer = client.greeted();
  client.keeper.session.migrate();
  expect(peer.settle().heard(FrameType.goAway)).toEqual([goAway(2)]);
});

test('a client hears of both', () => {
  const clock = new FakeClock();
  const heard: string[] = [];
  const session = new Session({
    role: 'client',
    clock,
    memory: newMemory(),
    onDetached() {},
    onClosed() {},
    onGoAway: (kind) => heard.push(kind),
  });
  const peer = new RawPeer(clock);
  session.attach(new Link(peer.transport), { onHandshake() {} });
  session.goLive(0);
  peer.say(hello(), goAway(1), goAway(2), goAway(77));
  expect(heard).toEqual(['drain', 'migrate']);
  session.close('the test is over', 1000);
});

describe('an optimistic channel', () => {
  const target = { host: 'example.org', port: 80 };

  test('is open for its handler before the server has answered, once', () => {
    const pair = new SessionPair().connect().settle();
    const events: string[] = [];
    pair.keeper.onChannel = () => {};
    const channel = pair.client.open(
      target,
      { onOpen: () => events.push('open'), onFail: (code) => events.push(code) },
      true,
    );
    expect(events).toEqual([]);
    pair.settle();
    expect(events).toEqual(['open']);
    pair.keeper.offered[0]?.accept();
    pair.settle();
    expect(events).toEqual(['open']);
    channel.reset();
  });

  test.each([
    ['that has a sink', true],
    ['that has none yet', false],
  ])('%s is reset when the server refuses', (_name, started) => {
    const pair = new SessionPair().connect().settle();
    pair.keeper.onChannel = (channel) => channel.refuse('DENIED');
    const events: string[] = [];
    const sink = { onData() {}, onEnd() {}, onReset: (code: string) => events.push(`reset ${code}`), onWritable() {} };
    const handler = { onOpen: () => events.push('open'), onFail: (code: string) => events.push(`fail ${code}`) };
    const channel = pair.client.open(target, handler, true);
    if (started) channel.start(sink);
    pair.settle();
    if (!started) channel.start(sink);
    expect(events).toEqual(['open', 'reset DENIED']);
    expect(pair.client.channelCount).toBe(0);
  });

  test('that is given up is reset', () => {
    const pair = new SessionPair();
    const events: string[] = [];
    const channel = pair.client.open(
      target,
      { onOpen: () => events.push('open'), onFail: (code) => events.push(code) },
      true,
    );
    pair.clock.runDeferred();
    pair.client.giveUp([channel], 'TUNNEL_DOWN');
    channel.start({ onData() {}, onEnd() {}, onReset: (code) => events.push(`reset ${code}`), onWritable() {} });
    expect(events).toEqual(['open', 'reset TUNNEL_DOWN']);
  });

  test('fails as any other when the session is closed', () => {
    const pair = new SessionPair();
    pair.client.close('for the test', 1000);
    const events: string[] = [];
    pair.client.open(target, { onOpen: () => events.push('open'), onFail: (code) => events.push(code) }, true);
    pair.clock.runDeferred();
    expect(events).toEqual(['SESSION_LOST']);
  });
});
