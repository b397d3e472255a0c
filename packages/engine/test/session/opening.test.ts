import { describe, expect, test } from 'vitest';
import { bytesOf, u32At } from 'wsproxy-test-support/engine/bytes';
import { ack, data, fin, hello, open, openFail, openOk, reset, window } from 'wsproxy-test-support/engine/frames';
import { encodePlain } from 'wsproxy-test-support/engine/oracle-codec';
import { Recorder } from 'wsproxy-test-support/engine/recorder';
import { join, zeros } from '../../src/bytes.js';
import { EARLY_WINDOW } from '../../src/constants.js';
import { FAILURES, type FailureCode } from '../../src/failures.js';
import { FrameType } from '../../src/frame/frame.js';
import { expectClean } from './expect-clean.js';
import { RawClient, RawServer } from './raw-session.js';
import { SessionPair } from './session-pair.js';

const target = { host: 'example.org', port: 80 };

describe('early data', () => {
  test('waits in the channel until it is accepted and started', () => {
    const pair = new SessionPair().connect();
    const near = pair.request();
    near.channel.write(bytesOf('early'));
    near.channel.end();
    pair.settle();
    const [channel] = pair.keeper.offered;
    expect(channel?.figures.bytesReceived).toBe(5);
    expect(near.events).toEqual([]);
    channel?.accept();
    const far = new Recorder();
    if (channel !== undefined) far.take(channel);
    expect(far.events).toEqual(['data', 'end']);
    expect(far.text).toBe('early');
    far.channel.write(bytesOf('answer'));
    far.channel.end();
    pair.settle();
    expect(near.events).toEqual(['open', 'data', 'end']);
    expectClean(pair);
  });

  test('goes no further when the server tells a window before it has accepted, but then that counts', () => {
    const server = new RawServer();
    const channel = server.session.open(target, { onOpen() {}, onFail() {} });
    channel.write(zeros(300_000));
    const peer = server.connect().say(hello(), window(1, 60_000), ack(1));
    expect(peer.dataOf(1)).toHaveLength(EARLY_WINDOW);
    peer.say(openOk(1, 40_000), ack(2));
    expect(peer.dataOf(1)).toHaveLength(60_000);
  });

  test('goes up to the early window, not a byte further, until the channel is accepted', () => {
    const server = new RawServer();
    const channel = server.session.open(target, { onOpen() {}, onFail() {} });
    channel.write(zeros(300_000));
    const peer = server.connect().say(hello());
    expect(peer.dataOf(1)).toHaveLength(EARLY_WINDOW);
    peer.say(openOk(1, EARLY_WINDOW + 1));
    expect(peer.dataOf(1)).toHaveLength(EARLY_WINDOW + 1);
  });

  test('brings no credit back before the channel is accepted', () => {
    const client = new RawClient();
    const peer = client.greeted().say(open(1), data(1, zeros(EARLY_WINDOW - 1)));
    const [channel] = client.keeper.offered;
    const far = new Recorder();
    if (channel !== undefined) far.take(channel);
    client.clock.advance(10);
    peer.settle();
    expect(peer.heard(FrameType.window)).toEqual([]);
    channel?.accept();
    peer.settle();
    const [answer] = peer.heard(FrameType.openOk);
    expect(u32At(answer?.payload, 0)).toBeGreaterThan(EARLY_WINDOW);
  });
});

describe('the acceptor', () => {
  test('sends OPEN_OK before anything that was written earlier', () => {
    const client = new RawClient();
    const peer = client.greeted().say(open(1));
    const [channel] = client.keeper.offered;
    channel?.write(bytesOf('welcome'));
    channel?.end();
    peer.settle();
    expect(peer.heard('sequenced')).toEqual([]);
    channel?.accept();
    peer.settle();
    expect(peer.heard('sequenced').map(({ type }) => type)).toEqual([FrameType.openOk, FrameType.data, FrameType.fin]);
  });

  test('answers once, no matter what it says afterwards', () => {
    const client = new RawClient();
    const peer = client.greeted().say(open(1), open(3));
    const [first, second] = client.keeper.offered;
    first?.accept();
    first?.accept();
    first?.refuse('DENIED');
    second?.refuse('DENIED');
    second?.refuse('INTERNAL');
    second?.accept();
    peer.settle();
    expect(peer.heard('sequenced').map(({ type, channel }) => [type, channel])).toEqual([
      [FrameType.openOk, 1],
      [FrameType.openFail, 3],
    ]);
  });

  test('learns when the opener gives up before the answer', () => {
    const pair = new SessionPair().connect().settle();
    let abandoned = 0;
    pair.keeper.onChannel = (channel) => {
      channel.onAbandoned(() => {
        abandoned += 1;
      });
    };
    const near = pair.request();
    pair.settle();
    near.channel.reset();
    pair.settle();
    expect(abandoned).toBe(1);
    pair.keeper.offered[0]?.accept();
    pair.settle();
    expect(near.events).toEqual([]);
    expectClean(pair);
  });

  test('is told that the opener has given up once, by each of those who asked, and not after an answer', () => {
    const pair = new SessionPair().connect().settle();
    const told: string[] = [];
    pair.keeper.onChannel = (channel) => {
      for (const who of ['dialler', 'limits']) channel.onAbandoned(() => told.push(`${who} of ${channel.id}`));
    };
    const [abandoned, answered] = [pair.request(), pair.request()];
    pair.settle();
    pair.keeper.offered[1]?.accept();
    for (const { channel } of [abandoned, answered]) channel.reset();
    pair.settle();
    pair.server.close('for the test', 4005);
    expect(told).toEqual(['dialler of 1', 'limits of 1']);
  });

  test('learns of abandoned channels when the session is lost', () => {
    const pair = new SessionPair().connect().settle();
    let abandoned = 0;
    pair.keeper.onChannel = (channel) => {
      channel.onAbandoned(() => {
        abandoned += 1;
      });
    };
    pair.request();
    pair.settle();
    pair.server.close('for the test', 4005);
    expect(abandoned).toBe(1);
  });

  test('F8: gets what is not a host or port as it is, since only this channel is to fail for it', () => {
    const client = new RawClient();
    const peer = client.greeted().say(open(1, 0, '\0', 0), open(3, 0, 'é'.repeat(255), 65_535));
    expect(client.keeper.offered.map(({ target }) => target)).toEqual([
      { host: '\0', port: 0 },
      { host: 'é'.repeat(255), port: 65_535 },
    ]);
    expect(peer.closeCode).toBeUndefined();
  });
});

describe('the opener', () => {
  test.each(Object.keys(FAILURES) as FailureCode[])('is told why it was refused: %s', (code) => {
    const pair = new SessionPair().connect().settle();
    pair.keeper.onChannel = (channel) => channel.refuse(code);
    const near = pair.request();
    near.channel.write(bytesOf('early'));
    pair.settle();
    expect(near.events).toEqual([`fail ${code}`]);
    expectClean(pair);
  });

  test('takes a refusal with a code of a later version for an internal error', () => {
    const server = new RawServer();
    const events = new Recorder();
    events.take(server.session.open(target, events));
    server.greeted().say(openFail(1, 999));
    expect(events.events).toEqual(['fail INTERNAL']);
  });

  test('gives up a channel that is not answered, once', () => {
    const pair = new SessionPair().connect().settle();
    const near = pair.request();
    pair.settle();
    pair.client.giveUp([near.channel], 'TUNNEL_DOWN');
    pair.client.giveUp([near.channel], 'TUNNEL_DOWN');
    pair.settle();
    expect(near.events).toEqual(['fail TUNNEL_DOWN']);
    pair.keeper.offered[0]?.accept();
    expectClean(pair);
  });

  test('does not give up a channel that is open', () => {
    const pair = new SessionPair().connect().settle();
    const { near } = pair.open();
    pair.client.giveUp([near.channel], 'TUNNEL_DOWN');
    expect(near.channel.state.dead).toBe(false);
  });

  test('never tells the server of a channel that is given up before there is a transport', () => {
    const server = new RawServer();
    const near = new Recorder();
    near.take(server.session.open(target, near));
    near.channel.write(bytesOf('early'));
    server.session.giveUp([near.channel], 'TUNNEL_DOWN');
    server.session.open(target, { onOpen() {}, onFail() {} });
    const peer = server.connect();
    expect(peer.heard('sequenced').map(({ channel }) => channel)).toEqual([3]);
    expect(server.session.channelCount).toBe(1);
  });

  test('may write and end in the call that tells it of the opening', () => {
    const pair = new SessionPair().connect().settle();
    const far = new Recorder();
    pair.keeper.onChannel = (channel) => {
      channel.accept();
      far.take(channel);
    };
    const near = new Recorder();
    near.onOpen = () => {
      near.channel.write(bytesOf('at once'));
      near.channel.end();
    };
    near.take(pair.client.open(target, near));
    pair.settle();
    expect(far.text).toBe('at once');
    expect(far.events).toEqual(['data', 'end']);
  });

  test('may reset in the call that tells it of the opening', () => {
    const pair = new SessionPair().connect().settle();
    const far = new Recorder();
    pair.keeper.onChannel = (channel) => {
      channel.accept();
      far.take(channel);
    };
    const near = new Recorder();
    near.onOpen = () => near.channel.reset();
    near.take(pair.client.open(target, near));
    pair.settle();
    expect(far.events).toEqual(['reset CANCELLED']);
    expectClean(pair);
  });
});

describe('the limit of channels', () => {
  test('refuses what is above it, and lets go when one ends', () => {
    const pair = new SessionPair({ maxChannels: 2 }).connect().settle();
    const [first] = [pair.open(), pair.open()];
    const refused = pair.request();
    pair.settle();
    expect(refused.events).toEqual(['fail LIMIT_REACHED']);
    expect(pair.keeper.offered).toHaveLength(2);
    first?.near.channel.reset();
    pair.settle();
    expect(pair.open().near.events).toEqual(['open']);
    expect(pair.server.channelCount).toBe(2);
  });

  test('counts the channels that are not answered yet', () => {
    const client = new RawClient({ maxChannels: 1 });
    const peer = client.greeted().say(open(1), open(3));
    expect(peer.heard('sequenced')).toEqual([openFail(3, FAILURES.LIMIT_REACHED.wire)]);
  });

  test.each([
    ['refused', (n: number) => [open(n)]],
    ['reset at once', (n: number) => [open(n), reset(n)]],
  ])('bounds what a peer can make pile up that does not read how its channels were %s', (_how, frames) => {
    const client = new RawClient({ maxChannels: 10 });
    client.keeper.onChannel = (channel) => channel.accept();
    const peer = client.greeted();
    Object.defineProperty(peer.transport, 'backlog', { get: () => 1e9 });
    let opened = 0;
    while (peer.closeCode === undefined && opened < 10_000) {
      const first = 2 * opened + 1;
      peer.say(join(Array.from({ length: 100 }, (_, n) => frames(first + 2 * n).map(encodePlain)).flat()));
      opened += 100;
    }
    expect(peer.closeCode).toBe(4003);
    expect(opened).toBeGreaterThan(1_000);
  });

  test('ignores what was sent early on a refused channel', () => {
    const client = new RawClient({ maxChannels: 0 });
    const peer = client.greeted().say(open(1), data(1, 'early'), fin(1));
    expect(peer.closeCode).toBeUndefined();
    expect(peer.heard(FrameType.openFail)).toHaveLength(1);
  });
});

test('lists the channels that are not answered', () => {
  const pair = new SessionPair().connect().settle();
  pair.open();
  pair.keeper.onChannel = () => {};
  const waiting = pair.request();
  pair.settle();
  expect(pair.client.unanswered).toEqual([waiting.channel]);
});
