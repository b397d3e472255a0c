import { expect } from 'vitest';
import type { SessionPair } from './session-pair.js';

/** Nothing is left: no channel, nothing unacknowledged, and once the session has ended no timer, and no memory. */
export function expectClean(pair: SessionPair): void {
  const { client, clock } = pair.settle();
  const { server } = pair;
  // The last acknowledgements leave a little later.
  clock.advance(10);
  pair.settle();
  expect({ client: client.channelCount, server: server.channelCount }).toEqual({ client: 0, server: 0 });
  expect(server.figures.received).toBe(client.figures.sent);
  expect(client.figures.received).toBe(server.figures.sent);
  client.leave('the test is over');
  pair.settle();
  expect(pair.keeper.kept.size).toBe(0);
  expect(clock.pending).toBe(0);
  expect(pair.memory.kept).toBe(0);
}
