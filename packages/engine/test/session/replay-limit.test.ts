import { describe, expect, test } from 'vitest';
import { isEqual } from 'wsproxy-test-support/engine/bytes';
import { ack, open, resume } from 'wsproxy-test-support/engine/frames';
import { pattern } from 'wsproxy-test-support/engine/pattern';
import type { RawPeer } from 'wsproxy-test-support/engine/raw-peer';
import { Recorder } from 'wsproxy-test-support/engine/recorder';
import { zeros } from '../../src/bytes.js';
import { CHANNEL_FLOOR, QUEUE_LIMIT, REPLAY_FLOOR } from '../../src/constants.js';
import { MemoryBudget } from '../../src/flow/memory-budget.js';
import { RawClient } from './raw-session.js';

const WINDOW = 10_000_000;
/** Well below what may be in flight before anything is known of the path. */
const LIMIT = 10_000;
/** A DATA frame may reach beyond the bound, but it is the last one. */
const ONE_FRAME = 33_000;

function sending(limit: number): { client: RawClient; peer: RawPeer; budget: MemoryBudget; source: Recorder } {
  const budget = new MemoryBudget(limit);
  const client = new RawClient({ processBudgets: { replay: budget, windows: new MemoryBudget(WINDOW) } });
  const source = new Recorder();
  client.keeper.onChannel = (channel) => {
    channel.accept();
    source.take(channel);
  };
  const peer = client.greeted().say(open(1, WINDOW));
  return { client, peer, budget, source };
}

const LENGTH = 500_000;

describe('what waits in channels without credit', () => {
  /** Channels of one session to which a peer has given no credit, each with a source that always has more. */
  function flood(channels: number, budget: MemoryBudget): Recorder[] {
    const client = new RawClient({ processBudgets: { replay: budget, windows: new MemoryBudget(WINDOW) } });
    const sources: Recorder[] = [];
    client.keeper.onChannel = (channel) => {
      channel.accept();
      sources.push(new Recorder().take(channel));
    };
    const peer = client.greeted();
    for (let n = 0; n < channels; n++) peer.say(open(2 * n + 1, 0));
    // As a relay reads: little at a time when there is little room.
    for (const { channel } of sources) {
      while (channel.write(zeros(channel.appetite)));
    }
    return sources;
  }

  test('is bounded by the budget, and beyond it by a little for each channel', () => {
    const budget = new MemoryBudget(2_000_000);
    flood(200, budget);
    expect(budget.reserved).toBeGreaterThan(1_900_000);
    expect(budget.reserved).toBeLessThanOrEqual(2_000_000 + 200 * CHANNEL_FLOOR + 20_000);
  });

  test('is bounded for one session too, and free again when the channels are over', () => {
    const budget = new MemoryBudget(1e9);
    const sources = flood(1_000, budget);
    expect(budget.reserved).toBeLessThanOrEqual(QUEUE_LIMIT + 1_000 * CHANNEL_FLOOR + 200_000);
    for (const { channel } of sources) channel.reset();
    // The answers to OPEN and the resets are not acknowledged.
    expect(budget.reserved).toBeLessThan(1_000 * 1_000);
  });
});

describe('a sender whose frames are not acknowledged', () => {
  test('stops at the bound of the replay buffer, and its sources pause', () => {
    const { client, peer, budget, source } = sending(LIMIT);
    expect(source.channel.write(pattern(1, 0, LENGTH))).toBe(false);
    peer.settle();
    const { replayBytes } = client.keeper.session.figures;
    expect(replayBytes).toBeGreaterThanOrEqual(REPLAY_FLOOR);
    expect(replayBytes).toBeLessThanOrEqual(LIMIT + ONE_FRAME);
    // What waits in the channel counts as well.
    expect(budget.reserved).toBe(replayBytes + LENGTH - peer.dataOf(1).length);
    expect(peer.dataOf(1).length).toBeLessThanOrEqual(LIMIT + ONE_FRAME);
    expect(source.writable).toBe(0);
  });

  test('goes on as they are acknowledged, losing nothing', () => {
    const { peer, budget, source } = sending(LIMIT);
    source.channel.write(pattern(1, 0, LENGTH));
    source.channel.end();
    for (let n = 0; peer.dataOf(1).length < LENGTH && n < 1_000; n++) peer.say(ack(peer.heard('sequenced').length));
    expect(isEqual(peer.dataOf(1), pattern(1, 0, LENGTH))).toBe(true);
    peer.say(ack(peer.heard('sequenced').length));
    expect(budget.reserved).toBe(0);
    expect(source.writable).toBe(1);
  });

  test('stays stopped while it is detached, and goes on after the resume', () => {
    const { client, peer, source } = sending(LIMIT);
    source.channel.write(pattern(1, 0, LENGTH));
    peer.settle();
    const sent = peer.dataOf(1).length;
    peer.close(1006);
    source.channel.write(pattern(1, LENGTH, 1_000));
    client.clock.advance(60_000);
    expect(client.keeper.session.figures.replayBytes).toBeLessThanOrEqual(LIMIT + ONE_FRAME);
    const next = client.connect().say(resume({ received: 1 }));
    expect(isEqual(next.dataOf(1).subarray(0, sent), pattern(1, 0, sent))).toBe(true);
    for (let n = 0; next.dataOf(1).length < LENGTH + 1_000 && n < 1_000; n++) {
      next.say(ack(next.heard('sequenced').length + 1));
    }
    expect(isEqual(next.dataOf(1), pattern(1, 0, LENGTH + 1_000))).toBe(true);
  });

  test('holds nothing any more once the session is closed', () => {
    const { client, peer, budget, source } = sending(LIMIT);
    source.channel.write(pattern(1, 0, LENGTH));
    peer.settle();
    client.keeper.session.close('for the test', 4005);
    expect(budget.reserved).toBe(0);
  });
});
