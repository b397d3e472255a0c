import { describe, expect, test } from 'vitest';
import { bytesOf } from 'wsproxy-test-support/engine/bytes';
import { ack, data, open, ping, resume } from 'wsproxy-test-support/engine/frames';
import { encodePlain } from 'wsproxy-test-support/engine/oracle-codec';
import { join } from '../../src/bytes.js';
import { FrameType } from '../../src/frame/frame.js';
import { RawClient } from './raw-session.js';

/** A client that has been sent the answer to its OPEN and `abc`, and has processed neither; `pause` is what the pace asks for. */
function prepare(pause: number) {
  const charged: number[] = [];
  const pace = { pause, charge: (bytes: number) => void charged.push(bytes) };
  const client = new RawClient({ replayPace: pace });
  const first = client.greeted().say(open(1));
  client.keeper.offered[0]?.accept();
  client.keeper.offered[0]?.write(bytesOf('abc'));
  const sent = first.settle().heard('sequenced');
  const bytes = (from: number) => join(sent.slice(from).map(encodePlain)).length;
  return { client, first, sent, pace, charged, bytes };
}

describe('what is sent again', () => {
  test('counts by its length each time, and nothing else does', () => {
    const { client, first, charged, bytes } = prepare(0);
    expect(charged).toEqual([]);
    first.close(1006);
    const second = client.connect().say(resume({ attempt: 1, received: 0 }));
    expect(charged).toEqual([bytes(0)]);
    client.keeper.offered[0]?.write(bytesOf('def'));
    second.settle();
    expect(charged).toEqual([bytes(0)]);
    client.connect().say(resume({ attempt: 2, received: 1 }));
    expect(charged).toEqual([bytes(0), bytes(1) + encodePlain(data(1, 'def')).length]);
  });

  test('waits as long as the pace says, and what is new behind it, while the peer is heard and answered', () => {
    const { client, sent, charged } = prepare(1_000);
    const peer = client.connect().say(resume({ attempt: 1, received: 0 }), ping(7));
    client.keeper.offered[0]?.write(bytesOf('def'));
    client.clock.advance(999);
    expect([peer.settle().heard('sequenced'), charged]).toEqual([[], []]);
    expect(peer.heard(FrameType.pong)).toHaveLength(1);
    client.clock.advance(1);
    expect(peer.settle().heard('sequenced')).toEqual([...sent, data(1, 'def')]);
    expect(peer.say(ack(3)).closeCode).toBeUndefined();
    expect(client.keeper.session.figures.replayBytes).toBe(0);
  });

  test('asks anew on each transport, and nothing of the last one is left', () => {
    const { client, sent, pace } = prepare(1_000);
    const second = client.connect().say(resume({ attempt: 1, received: 0 }));
    client.clock.advance(500);
    pace.pause = 0;
    const third = client.connect().say(resume({ attempt: 2, received: 0 }));
    expect([second.heard('sequenced'), third.heard('sequenced')]).toEqual([[], sent]);
    client.clock.advance(1_000);
    expect(third.settle().heard('sequenced')).toEqual(sent);
  });

  test('waits for nothing when there is nothing of it', () => {
    const { client, sent } = prepare(1_000);
    const peer = client.connect().say(resume({ attempt: 1, received: sent.length }));
    client.keeper.offered[0]?.write(bytesOf('def'));
    expect(peer.settle().heard('sequenced')).toEqual([data(1, 'def')]);
  });
});
