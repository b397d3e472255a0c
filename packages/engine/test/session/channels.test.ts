import { describe, expect, test } from 'vitest';
import { newMemory } from 'wsproxy-test-support/engine/new-memory';
import { nowhere } from '../../src/channel/nowhere.js';
import { SessionChannel } from '../../src/channel/session-channel.js';
import { ProtocolError } from '../../src/errors.js';
import { Channels } from '../../src/session/channels.js';

const carrier = nowhere({ now: () => 0 }, newMemory());
const channel = (id: number) => SessionChannel.offer(id, { host: 'example.org', port: 80 }, carrier, 0);

describe('the numbers of channels', () => {
  test.each([
    ['client', [1, 3, 5]],
    ['server', [2, 4, 6]],
  ] as const)('are given upwards by a %s', (role, ids) => {
    const channels = new Channels(role);
    expect(ids.map(() => channels.takeId())).toEqual(ids);
  });

  test.each(['client', 'server'] as const)(
    'run out at the last one, and are few once from three quarters on, at a %s',
    (role) => {
      const channels = new Channels(role, 40);
      const ids = Array.from({ length: 20 }, () => channels.takeId()).filter((id) => id !== undefined);
      expect(ids).toHaveLength(20);
      expect(channels.takeId()).toBeUndefined();
      expect(ids.filter((id) => channels.isFirstOfFew(id))).toEqual([role === 'client' ? 31 : 30]);
    },
  );

  test('may be left out by the peer, but never go back', () => {
    const channels = new Channels('server');
    for (const id of [1, 3, 99, 0xffff_ffff]) channels.checkPeerId(id);
    for (const id of [1, 99, 97, 0xffff_ffff]) expect(() => channels.checkPeerId(id)).toThrow(ProtocolError);
  });

  test.each([0, 2, 100])('of the wrong parity are refused: %i', (id) => {
    expect(() => new Channels('server').checkPeerId(id)).toThrow(ProtocolError);
  });
});

describe('a channel is found', () => {
  test('while it lives, and is over but known afterwards', () => {
    const channels = new Channels('server');
    channels.checkPeerId(5);
    const one = channel(5);
    channels.add(one);
    expect(channels.find(5)).toBe(one);
    expect(channels.all()).toEqual([one]);
    channels.remove(one);
    expect(channels.find(5)).toBeUndefined();
    expect(channels.find(3)).toBeUndefined();
    expect(channels.size).toBe(0);
  });

  test('never when nobody can have opened it', () => {
    const channels = new Channels('server');
    channels.checkPeerId(5);
    for (const id of [7, 2, 4, 0xffff_ffff]) expect(() => channels.find(id)).toThrow(ProtocolError);
    channels.takeId();
    expect(channels.find(2)).toBeUndefined();
  });
});
