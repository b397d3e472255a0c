import { describe, expect, test } from 'vitest';
import { bytesOf, filled, isEqual, textOf } from 'wsproxy-test-support/engine/bytes';
import { data, open, openOk, reset } from 'wsproxy-test-support/engine/frames';
import { pattern } from 'wsproxy-test-support/engine/pattern';
import { Recorder } from 'wsproxy-test-support/engine/recorder';
import { sessionSide } from 'wsproxy-test-support/engine/session-side';
import { zeros } from '../../src/bytes.js';
import { FAILURES } from '../../src/failures.js';
import { FrameType } from '../../src/frame/frame.js';
import { expectClean } from './expect-clean.js';
import { RawClient, RawServer } from './raw-session.js';
import { SessionPair } from './session-pair.js';

type Side = 'near' | 'far';
const other = { near: 'far', far: 'near' } as const;
const told = (recorder: Recorder) => recorder.events.filter((event) => event !== 'open' && event !== 'data');

describe.each<Side>(['near', 'far'])('a reset from the %s side', (side) => {
  const peer = other[side];

  test('reaches the other side once, with its code', () => {
    const pair = new SessionPair().connect().settle();
    const sides = pair.open();
    sides[side].channel.reset('TIMED_OUT');
    sides[side].channel.reset('INTERNAL');
    pair.settle();
    expect(told(sides[peer])).toEqual(['reset TIMED_OUT']);
    expect(told(sides[side])).toEqual([]);
    expectClean(pair);
  });

  test('is a cancellation when no code is given', () => {
    const pair = new SessionPair().connect().settle();
    const sides = pair.open();
    sides[side].channel.reset();
    pair.settle();
    expect(told(sides[peer])).toEqual(['reset CANCELLED']);
  });

  test.each([
    ['before any data', () => {}],
    [
      'while data is under way',
      (sides: Record<Side, Recorder>) => {
        for (const { channel } of Object.values(sides)) channel.write(zeros(500_000));
      },
    ],
    ['after it has ended its half', (sides: Record<Side, Recorder>) => sides[side].channel.end()],
    ['after the other has ended its half', (sides: Record<Side, Recorder>) => sides[peer].channel.end()],
  ])('ends the channel at both sides: %s', (_when, prepare) => {
    const pair = new SessionPair().connect().settle();
    const sides = pair.open();
    prepare(sides);
    pair.clock.runDeferred();
    sides[side].channel.reset();
    pair.settle();
    expect(told(sides[peer]).at(-1)).toBe('reset CANCELLED');
    expect(sides[side].channel.state.dead).toBe(true);
    expect(sides[peer].channel.state.dead).toBe(true);
    expectClean(pair);
  });

  test('changes nothing once both sides have ended', () => {
    const pair = new SessionPair().connect().settle();
    const sides = pair.open();
    sides.near.channel.end();
    sides.far.channel.end();
    pair.settle();
    sides[side].channel.reset();
    pair.settle();
    expect([told(sides.near), told(sides.far)]).toEqual([['end'], ['end']]);
    expectClean(pair);
  });

  test('crosses one from the other side', () => {
    const pair = new SessionPair().connect().settle();
    const sides = pair.open();
    sides.near.channel.reset('TIMED_OUT');
    sides.far.channel.reset('INTERNAL');
    pair.settle();
    expect([told(sides.near), told(sides.far)]).toEqual([[], []]);
    expectClean(pair);
  });

  test('drops what was not sent yet', () => {
    const pair = new SessionPair().connect().settle();
    const sides = pair.open();
    sides[peer].stopped = true;
    sides[side].channel.write(filled(1_000_000, 1));
    sides[side].channel.end();
    pair.run(() => sides[side].channel.figures.bytesSent > 0 && !sessionSide(sides[side].channel).sendable);
    const sent = sides[side].channel.figures.bytesSent;
    sides[side].channel.reset();
    pair.settle();
    expect(told(sides[peer])).toEqual(['reset CANCELLED']);
    expect(sides[peer].bytes).toHaveLength(sent);
    expectClean(pair);
  });

  test('when passed on comes after all that was written before', () => {
    const pair = new SessionPair().connect().settle();
    const sides = pair.open();
    sides[side].channel.write(pattern(1, 0, 1_000_000));
    sides[side].channel.end('CONNECTION_RESET');
    sides[side].channel.write(bytesOf('ignored'));
    pair.run(() => told(sides[peer]).length > 0);
    expect(told(sides[peer])).toEqual(['reset CONNECTION_RESET']);
    expect(isEqual(sides[peer].bytes, pattern(1, 0, 1_000_000))).toBe(true);
    expectClean(pair);
  });

  test('when passed on comes after all that was written before a clean end, if the end was not sent yet', () => {
    const pair = new SessionPair().connect().settle();
    const sides = pair.open();
    sides[side].channel.write(pattern(1, 0, 1_000_000));
    sides[side].channel.end();
    sides[side].channel.end('CONNECTION_RESET');
    pair.run(() => told(sides[peer]).length > 0);
    expect(told(sides[peer])).toEqual(['reset CONNECTION_RESET']);
    expect(isEqual(sides[peer].bytes, pattern(1, 0, 1_000_000))).toBe(true);
    expectClean(pair);
  });

  test('when passed on goes at once if nothing waits', () => {
    const pair = new SessionPair().connect().settle();
    const sides = pair.open();
    sides[side].channel.end('CONNECTION_RESET');
    pair.settle();
    expect(told(sides[peer])).toEqual(['reset CONNECTION_RESET']);
    expectClean(pair);
  });

  test('given up while one that is passed on waits for data, goes at once', () => {
    const pair = new SessionPair().connect().settle();
    const sides = pair.open();
    sides[peer].stopped = true;
    sides[side].channel.write(zeros(1_000_000));
    sides[side].channel.end('CONNECTION_RESET');
    pair.run(() => sides[side].channel.figures.bytesSent > 0 && !sessionSide(sides[side].channel).sendable);
    sides[side].channel.reset('TIMED_OUT');
    pair.settle();
    expect(told(sides[peer])).toEqual(['reset TIMED_OUT']);
    expectClean(pair);
  });
});

describe('before the answer', () => {
  test('a reset of the opener cancels what is offered', () => {
    const client = new RawClient();
    const peer = client.greeted().say(open(1), reset(1));
    expect(client.keeper.offered[0]?.state.dead).toBe(true);
    client.keeper.offered[0]?.accept();
    client.keeper.offered[0]?.refuse('DENIED');
    peer.settle();
    expect(peer.heard('sequenced')).toEqual([]);
    expect(client.keeper.session.channelCount).toBe(0);
  });

  test('a reset of the acceptor is a failure to open', () => {
    const pair = new SessionPair().connect().settle();
    pair.keeper.onChannel = (channel) => channel.reset('INTERNAL');
    const near = pair.request();
    pair.settle();
    expect(near.events).toEqual(['fail INTERNAL']);
    expectClean(pair);
  });

  test('a reset passed on by the opener comes after its early data', () => {
    const pair = new SessionPair().connect();
    const near = pair.request();
    near.channel.write(bytesOf('early'));
    near.channel.end('CONNECTION_RESET');
    pair.settle();
    expect(pair.keeper.offered[0]?.figures.bytesReceived).toBe(5);
    expect(pair.keeper.offered[0]?.state.dead).toBe(true);
    expectClean(pair);
  });

  test('a reset in the same call as the acceptance follows it', () => {
    const pair = new SessionPair().connect().settle();
    pair.keeper.onChannel = (channel) => {
      channel.accept();
      channel.reset('INTERNAL');
    };
    const near = pair.request();
    pair.settle();
    expect(near.events).toEqual(['open', 'reset INTERNAL']);
    expectClean(pair);
  });
});

describe('before there is a sink', () => {
  const target = { host: 'example.org', port: 80 };

  test('a reset waits behind the data that came before it', () => {
    const server = new RawServer();
    const channel = server.session.open(target, { onOpen() {}, onFail() {} });
    server.greeted().say(openOk(1), data(1, 'all '), data(1, 'of it'), reset(1, FAILURES.TIMED_OUT.wire));
    const near = new Recorder().take(channel);
    expect(near.text).toBe('all of it');
    expect(near.events).toEqual(['data', 'reset TIMED_OUT']);
  });

  test('a reset of this side drops what waits', () => {
    const server = new RawServer();
    const channel = server.session.open(target, { onOpen() {}, onFail() {} });
    server.greeted().say(openOk(1), data(1, 'unread'));
    channel.reset();
    expect(new Recorder().take(channel).events).toEqual([]);
  });

  test('a sink that resets at the first piece hears nothing more', () => {
    const server = new RawServer();
    const channel = server.session.open(target, { onOpen() {}, onFail() {} });
    server.greeted().say(openOk(1), data(1, 'one'), data(1, 'two'));
    const pieces: string[] = [];
    channel.start({
      onData(chunk) {
        pieces.push(textOf(chunk));
        channel.reset();
      },
      onEnd: () => pieces.push('end'),
      onReset: () => pieces.push('reset'),
      onWritable() {},
    });
    expect(pieces).toEqual(['one']);
  });
});

test('F14: RESET twice, and RESET after both ends, change nothing', () => {
  const client = new RawClient();
  const peer = client.greeted().say(open(1), open(3));
  for (const channel of client.keeper.offered) channel.accept();
  client.keeper.offered[0]?.end();
  peer.settle();
  peer.say({ type: FrameType.fin, channel: 1, payload: zeros(0) }, reset(1), reset(3), reset(3));
  expect(peer.closeCode).toBeUndefined();
  expect(client.keeper.session.channelCount).toBe(0);
});
