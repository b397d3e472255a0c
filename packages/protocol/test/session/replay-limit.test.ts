import { describe, expect, test } from 'vitest';
import { MemoryBudget } from '../../src/flow/memory-budget.js';
import { ack, open, resume } from '../support/frames.js';
import { pattern } from '../support/pattern.js';
import type { RawPeer } from '../support/raw-peer.js';
import { RawClient } from './raw-session.js';
import { Recorder } from './recorder.js';

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

describe('a sender whose frames are not acknowledged', () => {
  test('stops at the bound of the replay buffer, and its sources pause', () => {
    const { peer, budget, source } = sending(LIMIT);
    expect(source.channel.write(pattern(1, 0, LENGTH))).toBe(false);
    peer.settle();
    expect(budget.reserved).toBeGreaterThanOrEqual(LIMIT);
    expect(budget.reserved).toBeLessThanOrEqual(LIMIT + ONE_FRAME);
    expect(peer.dataOf(1).length).toBeLessThanOrEqual(LIMIT + ONE_FRAME);
    expect(source.writable).toBe(0);
  });

  test('goes on as they are acknowledged, losing nothing', () => {
    const { peer, budget, source } = sending(LIMIT);
    source.channel.write(pattern(1, 0, LENGTH));
    source.channel.end();
    for (let n = 0; peer.dataOf(1).length < LENGTH && n < 1_000; n++) peer.say(ack(peer.heard('sequenced').length));
    expect(peer.dataOf(1).equals(pattern(1, 0, LENGTH))).toBe(true);
    peer.say(ack(peer.heard('sequenced').length));
    expect(budget.reserved).toBe(0);
    expect(source.writable).toBe(1);
  });

  test('stays stopped while it is detached, and goes on after the resume', () => {
    const { client, peer, budget, source } = sending(LIMIT);
    source.channel.write(pattern(1, 0, LENGTH));
    peer.settle();
    const sent = peer.dataOf(1).length;
    peer.close(1006);
    source.channel.write(pattern(1, LENGTH, 1_000));
    client.clock.advance(60_000);
    expect(budget.reserved).toBeLessThanOrEqual(LIMIT + ONE_FRAME);
    const next = client.connect().say(resume({ received: 1 }));
    expect(
      next
        .dataOf(1)
        .subarray(0, sent)
        .equals(pattern(1, 0, sent)),
    ).toBe(true);
    for (let n = 0; next.dataOf(1).length < LENGTH + 1_000 && n < 1_000; n++) {
      next.say(ack(next.heard('sequenced').length + 1));
    }
    expect(next.dataOf(1).equals(pattern(1, 0, LENGTH + 1_000))).toBe(true);
  });

  test('holds nothing any more once the session is closed', () => {
    const { client, peer, budget, source } = sending(LIMIT);
    source.channel.write(pattern(1, 0, LENGTH));
    peer.settle();
    client.keeper.session.close('for the test', 4005);
    expect(budget.reserved).toBe(0);
  });
});
