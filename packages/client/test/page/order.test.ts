import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { Channel } from '../../page/news.js';
import { FASTEST_FIRST, nextOrder, type SortKey, sortChannels } from '../../page/order.js';

function channel(id: number, more: Partial<Channel> = {}): Channel {
  const figures = { bytesUp: 0, bytesDown: 0, rateUp: 0, rateDown: 0 };
  return { id, target: 'a:1', kind: 'http', open: true, idle: false, beganMs: 0, ...figures, ...more };
}

const CHANNELS = [
  channel(1, { target: 'host-10:80', rateUp: 5, bytesDown: 9, beganMs: 3 }),
  channel(2, { target: 'host-9:80', rateDown: 4, bytesUp: 1, beganMs: 1, kind: 'socks5' }),
  channel(3, { target: 'a.host:80', rateUp: 2, rateDown: 2, beganMs: 2, kind: 'connect' }),
];

describe('connections are sorted', () => {
  test.each<[SortKey, number[]]>([
    ['rate', [1, 2, 3]],
    ['target', [3, 2, 1]],
    ['kind', [3, 1, 2]],
    ['down', [2, 3, 1]],
    ['up', [1, 3, 2]],
    ['carried', [1, 2, 3]],
    ['age', [2, 3, 1]],
  ])('by %s', (key, ids) => {
    expect(sortChannels(CHANNELS, { key, reversed: false }).map(({ id }) => id)).toEqual(ids);
  });

  test('so that equal ones keep their places, no matter what the order they come in', () => {
    const rates = fc.array(fc.nat(3), { maxLength: 30 });
    fc.assert(
      fc.property(rates, fc.boolean(), fc.nat(), (all, reversed, turn) => {
        const channels = all.map((rateDown, id) => channel(id, { rateDown }));
        const at = turn % (channels.length || 1);
        const turned = [...channels.slice(at), ...channels.slice(0, at)];
        const sorted = sortChannels(turned, { key: 'down', reversed });
        expect(sorted).toEqual(sortChannels(channels, { key: 'down', reversed }));
        for (const [i, { rateDown, id }] of sorted.slice(1).entries()) {
          const before = sorted[i] ?? channel(0);
          if (rateDown === before.rateDown) expect(id).toBeGreaterThan(before.id);
          else expect(rateDown < before.rateDown).toBe(!reversed);
        }
      }),
    );
  });
});

test('a column that is clicked again and again gives its order, the reverse, and the fastest first', () => {
  const first = nextOrder(FASTEST_FIRST, 'target');
  const second = nextOrder(first, 'target');
  expect([first, second, nextOrder(second, 'target')]).toEqual([
    { key: 'target', reversed: false },
    { key: 'target', reversed: true },
    FASTEST_FIRST,
  ]);
  expect(nextOrder(second, 'up')).toEqual({ key: 'up', reversed: false });
});
