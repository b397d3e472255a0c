import { expect, test } from 'vitest';
import { SessionPair } from './session-pair.js';

test('carries bytes both ways, ends each direction by itself', () => {
  const pair = new SessionPair().connect().settle();
  const { near, far } = pair.open();
  expect(near.opened).toBe(1);
  near.channel?.write(Buffer.from('up'));
  near.channel?.end();
  pair.settle(1);
  expect(far.bytes.toString()).toBe('up');
  expect(far.ended).toBe(1);
  far.channel?.write(Buffer.alloc(1_000_000, 'd'));
  far.channel?.end();
  pair.settle(777);
  expect(near.bytes.equals(Buffer.alloc(1_000_000, 'd'))).toBe(true);
  expect(near.ended).toBe(1);
  expect(pair.client.channelCount).toBe(0);
  expect(pair.server.channelCount).toBe(0);
});

test('replays what the lost transport did not deliver', () => {
  const pair = new SessionPair().connect().settle();
  const { near, far } = pair.open();
  const data = Buffer.from(Array.from({ length: 300_000 }, (_, i) => i % 251));
  near.channel?.write(data);
  pair.clock.runDeferred();
  pair.ends?.[0].deliver(50_001);
  pair.ends?.[0].cut();
  expect(pair.losses).toHaveLength(1);
  pair.connect().settle(1000);
  expect(far.bytes.equals(data)).toBe(true);
});
