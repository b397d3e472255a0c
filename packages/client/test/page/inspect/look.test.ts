import { expect, test } from 'vitest';
import { Look } from '../../../page/inspect/look.js';
import type { Summary } from '../../../page/sightings.js';

const exchange = (id: number, more: Partial<Summary> = {}): Summary => ({
  ...{ id, connection: 1, kind: 'http', at: 1_000, method: 'GET', url: 'https://shop.example/Cart', version: '1.1' },
  ...{ status: 200, mediaType: 'text/html', bytesUp: 0, bytesDown: 0, messageCount: 0, ...more },
});
const idsOf = (look: Look, kind: string, search = '') => look.wanted({ kind, search }).map(({ id }) => id);

test('what is wanted is found by its kind and by words, the last one first', () => {
  const look = new Look();
  const exchanges = [
    exchange(1),
    exchange(2, { kind: 'websocket', status: 101 }),
    exchange(3, { status: 404, method: 'POST' }),
    exchange(4, { failure: 'connection reset', mediaType: 'application/json' }),
  ];
  look.apply({ whole: true, exchanges, gone: [] });
  expect(idsOf(look, 'all')).toEqual([4, 3, 2, 1]);
  expect([idsOf(look, 'http'), idsOf(look, 'websocket'), idsOf(look, 'events')]).toEqual([[4, 3, 1], [2], []]);
  expect(idsOf(look, 'failed')).toEqual([4, 3]);
  expect([idsOf(look, 'all', 'cart post'), idsOf(look, 'all', 'RESET'), idsOf(look, 'all', ' json ')]).toEqual([
    [3],
    [4],
    [4],
  ]);
});

test('what is shown stays while it is paused, and is up to date after it', () => {
  const look = new Look();
  look.apply({ whole: true, exchanges: [exchange(1)], gone: [], passed: [] });
  look.isPaused = true;
  look.apply({ whole: false, exchanges: [exchange(2)], gone: [1] });
  expect(idsOf(look, 'all')).toEqual([1]);
  look.isPaused = false;
  expect(idsOf(look, 'all')).toEqual([2]);
  look.apply({ whole: true, exchanges: [exchange(3)], gone: [] });
  expect(idsOf(look, 'all')).toEqual([3]);
});
