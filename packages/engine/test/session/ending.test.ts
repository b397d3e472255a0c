import { describe, expect, test } from 'vitest';
import { bytesOf } from 'wsproxy-test-support/engine/bytes';
import { goAway, open } from 'wsproxy-test-support/engine/frames';
import { Recorder } from 'wsproxy-test-support/engine/recorder';
import { zeros } from '../../src/bytes.js';
import { MemoryBudget } from '../../src/flow/memory-budget.js';
import { FrameType } from '../../src/frame/frame.js';
import { RawClient, RawServer } from './raw-session.js';
import { SessionPair } from './session-pair.js';

/** A pair with one channel in every state that a channel can have at the client. */
function busy(): { pair: SessionPair; channels: Record<string, { near: Recorder; far: Recorder }> } {
  const pair = new SessionPair().connect().settle();
  const channels = {
    open: pair.open(),
    nearEnded: pair.open(),
    farEnded: pair.open(),
    over: pair.open(),
    dead: pair.open(),
    unsent: pair.open(),
  };
  channels.nearEnded.near.channel.end();
  channels.farEnded.far.channel.end();
  channels.over.near.channel.end();
  channels.over.far.channel.end();
  channels.dead.near.channel.reset();
  pair.settle();
  channels.unsent.near.channel.write(zeros(1_000));
  return { pair, channels };
}

const resets = ({ events }: Recorder): number => events.filter((event) => event === 'reset SESSION_LOST').length;

describe('a session that is closed', () => {
  test.each(['client', 'server'] as const)('at the %s resets every living channel once, and ends none', (side) => {
    const { pair, channels } = busy();
    const end = side === 'client' ? 'near' : 'far';
    const endsBefore = Object.values(channels).map(
      (pair) => pair[end].events.filter((event) => event === 'end').length,
    );
    pair[side].close('for the test', 4005);
    for (const [name, recorders] of Object.entries(channels)) {
      expect([name, resets(recorders[end])]).toEqual([name, name === 'over' || name === 'dead' ? 0 : 1]);
    }
    expect(Object.values(channels).map((pair) => pair[end].events.filter((event) => event === 'end').length)).toEqual(
      endsBefore,
    );
  });

  test('tells so once, and has no timer left', () => {
    const { pair } = busy();
    pair.client.close('first', 1000);
    pair.client.close('second', 1000);
    pair.client.leave('third');
    pair.client.detach({ code: 1006, reason: '' });
    pair.settle();
    expect(pair.log.closings).toEqual(['first']);
    expect(pair.log.losses).toEqual([]);
    expect(pair.client.closed).toBe(true);
    expect(pair.client.attached).toBe(false);
    expect(pair.client.channelCount).toBe(0);
    pair.server.close('too', 1000);
    expect(pair.clock.pending).toBe(0);
  });

  test('fails the channels that wait for an answer', () => {
    const pair = new SessionPair().connect().settle();
    pair.keeper.onChannel = () => {};
    const waiting = pair.request();
    pair.settle();
    const unsent = pair.request();
    pair.client.close('for the test', 1000);
    expect([waiting.events, unsent.events]).toEqual([['fail SESSION_LOST'], ['fail SESSION_LOST']]);
  });

  test('closes while it reads: nothing behind the frame that made it close is read', () => {
    const client = new RawClient();
    const peer = client.greeted();
    client.keeper.onChannel = () => client.keeper.session.close('enough', 1000);
    peer.say(open(1), open(3));
    expect(client.keeper.offered).toHaveLength(1);
    client.clock.advance(10);
    expect(client.clock.pending).toBe(0);
  });

  test.each(['close', 'leave'] as const)('by what a channel tells as it sends (%s) keeps no memory', (how) => {
    for (const told of ['onOver', 'onWritable'] as const) {
      const budgets = { windows: new MemoryBudget(1_000_000), replay: new MemoryBudget(1_000_000) };
      const pair = new SessionPair({ processBudgets: budgets }).connect().settle();
      const { near, far } = pair.open();
      near.channel.end();
      pair.settle();
      const act = () => (how === 'close' ? pair.server.close('enough', 1000) : pair.server.leave('enough'));
      if (told === 'onOver') far.channel.onOver(act);
      else far.onWritable = act;
      far.channel.write(zeros(100_000));
      far.channel.end();
      pair.run(() => pair.keeper.kept.size === 0);
      expect([told, budgets.windows.reserved, budgets.replay.reserved]).toEqual([told, 0, 0]);
    }
  });

  test('closes the transport with the code it was given', () => {
    const client = new RawClient();
    const peer = client.greeted();
    client.keeper.session.close('expired', 4005);
    expect(peer.closeCode).toBe(4005);
  });
});

describe('leave', () => {
  test.each(['client', 'server'] as const)('of the %s ends the session at both ends', (side) => {
    const { pair, channels } = busy();
    pair[side].leave('good bye');
    pair.settle();
    expect(pair.log.closings).toHaveLength(1);
    expect(pair.keeper.log.closings).toHaveLength(1);
    expect([resets(channels['open']?.near ?? new Recorder()), resets(channels['open']?.far ?? new Recorder())]).toEqual(
      [1, 1],
    );
    expect(pair.clock.pending).toBe(0);
  });

  test('says GOAWAY final and closes with 1000', () => {
    const client = new RawClient();
    const peer = client.greeted();
    client.keeper.session.leave('good bye');
    peer.settle();
    expect(peer.heard(FrameType.goAway)).toEqual([goAway(3)]);
    expect(peer.closeCode).toBe(1000);
  });

  test('before the answer to RESUME tells no count: RESUME has told it', () => {
    const server = new RawServer();
    server.greeted().close(1006);
    const peer = server.connect();
    server.session.leave('good bye');
    expect(peer.settle().frames.map(({ type }) => type)).toEqual([FrameType.resume, FrameType.goAway]);
    expect(peer.closeCode).toBe(1000);
  });

  test('of a detached session closes it without a word', () => {
    const server = new RawServer();
    server.greeted().close(1006);
    server.session.leave('good bye');
    expect(server.log.closings).toEqual(['good bye']);
    expect(server.clock.pending).toBe(0);
  });
});

describe('a transport that is lost', () => {
  test.each([1000, 1001, 1005, 1006, 1011, 1012, 4999])('with %i only detaches the session', (code) => {
    const client = new RawClient();
    const peer = client.greeted().say(open(1));
    client.keeper.offered[0]?.accept();
    peer.settle();
    peer.close(code);
    expect(client.keeper.log.losses).toEqual([{ code, reason: '' }]);
    expect(client.keeper.log.closings).toEqual([]);
    expect(client.keeper.offered[0]?.state.dead).toBe(false);
    expect(client.clock.pending).toBe(0);
  });

  test('detaches once, though it was told before', () => {
    const pair = new SessionPair().connect().settle();
    pair.client.detach({ code: 1006, reason: 'suspicion' });
    pair.cut();
    pair.settle();
    expect(pair.log.losses).toEqual([{ code: 1006, reason: 'suspicion' }]);
    expect(pair.keeper.log.losses).toHaveLength(1);
  });

  test('may be detached, closed or replaced by what a channel brings', () => {
    for (const act of [
      (pair: SessionPair) => pair.client.detach({ code: 1006, reason: 'by a sink' }),
      (pair: SessionPair) => pair.client.close('by a sink', 1000),
      (pair: SessionPair) => void pair.connect(),
    ]) {
      const pair = new SessionPair().connect().settle();
      const { near, far } = pair.open();
      let acted = false;
      near.onData = () => {
        if (!acted) act(pair);
        acted = true;
      };
      far.channel.write(bytesOf('abc'));
      far.channel.end();
      pair.settle();
      expect(acted).toBe(true);
      pair.client.close('the test is over', 1000);
      pair.server.close('the test is over', 1000);
      pair.clock.advance(10);
      expect(pair.clock.pending).toBe(0);
    }
  });
});
