import { expect, expectTypeOf, test } from 'vitest';
import type { Snapshot as ShownSnapshot } from '../../page/snapshot.js';
import { busiest, type Snapshot, snapshot } from '../../src/status/snapshot.js';
import type { ChannelStatus } from '../../src/tunnel/client-status.js';

function statusWith(channels: readonly ChannelStatus[]) {
  return {
    state: 'online',
    sinceMs: 0,
    reason: undefined,
    nextTryMs: undefined,
    failedTries: 0,
    servers: [],
    server: 'wss://x/',
    roundTripMs: 1,
    resumes: 0,
    bytesUp: 0,
    bytesDown: 0,
    channels,
  } as const;
}

function channel(id: number, bytesUp: number, bytesDown = 0): ChannelStatus {
  return { id, target: `host-${id}:80`, kind: 'http', open: true, ageMs: 0, bytesUp, bytesDown };
}

test('has what the page shows', () => {
  expectTypeOf<Snapshot>().toExtend<ShownSnapshot>();
});

test('shows watchers the channels that have carried the most, the oldest of equals first, and how many there are', () => {
  const channels = [channel(1, 5), channel(2, 0), channel(3, 1, 9), channel(4, 0)];
  const shown = busiest(snapshot(statusWith(channels), 0, undefined));
  expect(shown.channels.map(({ id }) => id)).toEqual([3, 1, 2, 4]);
  const many = busiest(snapshot(statusWith(Array.from({ length: 1_000 }, (_, id) => channel(id, id))), 0, undefined));
  expect([many.channels.length, many.channels[0]?.id, many.channelCount]).toEqual([100, 999, 1_000]);
});
