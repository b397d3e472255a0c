import { describe, expect, test } from 'vitest';
import { bytesOf, filled } from 'wsproxy-test-support/engine/bytes';
import { fin, openOk } from 'wsproxy-test-support/engine/frames';
import { sessionSide } from 'wsproxy-test-support/engine/session-side';
import { FrameType } from '../../src/frame/frame.js';
import { expectClean } from './expect-clean.js';
import { RawServer } from './raw-session.js';
import { SessionPair } from './session-pair.js';

type Side = 'near' | 'far';
const other = { near: 'far', far: 'near' } as const;

describe.each<Side>(['near', 'far'])('the %s side ends first', (first) => {
  const second = other[first];

  test('and goes on receiving until the other side ends', () => {
    const pair = new SessionPair().connect().settle();
    const sides = pair.open();
    sides[first].channel.write(bytesOf('last words'));
    sides[first].channel.end();
    pair.settle();
    expect(sides[second].events.at(-1)).toBe('end');
    expect(sides[second].text).toBe('last words');
    for (const word of ['still ', 'here']) {
      sides[second].channel.write(bytesOf(word));
      pair.settle();
    }
    expect(sides[first].text).toBe('still here');
    expect(sides[first].events).not.toContain('end');
    sides[second].channel.end();
    pair.settle();
    expect(sides[first].events.at(-1)).toBe('end');
    expectClean(pair);
  });

  test('without having sent anything', () => {
    const pair = new SessionPair().connect().settle();
    const sides = pair.open();
    sides[first].channel.end();
    pair.settle();
    sides[second].channel.end();
    pair.settle();
    expect(sides[first].events.filter((event) => event !== 'open')).toEqual(['end']);
    expect(sides[second].events.filter((event) => event !== 'open')).toEqual(['end']);
    expectClean(pair);
  });

  test('and the other one answers in the call that tells it', () => {
    const pair = new SessionPair().connect().settle();
    const sides = pair.open();
    const end = sides[second].onEnd.bind(sides[second]);
    sides[second].onEnd = () => {
      end();
      sides[second].channel.write(bytesOf('bye'));
      sides[second].channel.end();
    };
    sides[first].channel.end();
    pair.settle();
    expect(sides[first].text).toBe('bye');
    expect(sides[first].events.at(-1)).toBe('end');
    expectClean(pair);
  });
});

test('both sides end at once', () => {
  const pair = new SessionPair().connect().settle();
  const { near, far } = pair.open();
  near.channel.write(bytesOf('up'));
  near.channel.end();
  far.channel.write(bytesOf('down'));
  far.channel.end();
  pair.settle();
  expect([near.text, far.text]).toEqual(['down', 'up']);
  expect([near.events.at(-1), far.events.at(-1)]).toEqual(['end', 'end']);
  expectClean(pair);
});

test('nothing can be written after the end', () => {
  const pair = new SessionPair().connect().settle();
  const { near, far } = pair.open();
  near.channel.end();
  expect(near.channel.write(bytesOf('too late'))).toBe(true);
  near.channel.end();
  pair.settle();
  expect(far.events).toEqual(['end']);
  expect(far.text).toBe('');
});

test('FIN comes after data that had to wait for credit', () => {
  const pair = new SessionPair().connect().settle();
  const { near, far } = pair.open();
  far.stopped = true;
  near.channel.write(filled(1_000_000, 1));
  near.channel.end();
  pair.run(() => near.channel.figures.bytesSent > 0 && !sessionSide(near.channel).sendable);
  expect(far.events).toEqual(['data']);
  far.goOn();
  pair.run(() => far.events.includes('end'));
  expect(far.bytes).toHaveLength(1_000_000);
});

test('F14: a second FIN is ignored', () => {
  const server = new RawServer();
  const channel = server.session.open({ host: 'example.org', port: 80 }, { onOpen() {}, onFail() {} });
  let ends = 0;
  channel.start({ onData() {}, onEnd: () => (ends += 1), onReset() {}, onWritable() {} });
  const peer = server.greeted().say(openOk(1), fin(1), fin(1));
  expect(ends).toBe(1);
  expect(peer.closeCode).toBeUndefined();
  channel.end();
  peer.settle();
  expect(peer.heard(FrameType.fin)).toHaveLength(1);
  expect(server.session.channelCount).toBe(0);
});
