import fc from 'fast-check';
import { expect, test } from 'vitest';
import { FakeClock } from 'wsproxy-engine/testing';
import { Look } from '../../page/inspect/look.js';
import { describe as describeSeen } from '../../src/inspect/seen/describe.js';
import { Exchanges } from '../../src/inspect/seen/exchanges.js';
import { MASK } from '../../src/inspect/seen/mask.js';
import { seenOf } from '../../src/inspect/seen/seen.js';
import { InspectionFeed } from '../../src/status/inspection-feed.js';
import { respond, START, upgrade } from '../inspect/seen/fake-exchanges.js';

const step = fc.record({
  at: fc.nat({ max: 5 }),
  what: fc.constantFrom('begin', 'body', 'answer', 'end', 'clear', 'look'),
});

test('a page that hears all knows what is kept, as one that comes later does', () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
      const exchanges = new Exchanges(new FakeClock(), { exchanges: 4, bytes: 1e9 });
      const watchers = Array.from({ length: 3 }, () => exchanges.onExchange(START));
      const [feed, page] = [new InspectionFeed(exchanges, MASK), new Look()];
      feed.start();
      page.apply(feed.whole());
      for (const { at, what } of steps) {
        const watcher = watchers[at];
        if (what === 'begin') watchers[at] = exchanges.onExchange(START);
        if (what === 'body') watcher?.onResponseBody(Buffer.alloc(3));
        if (what === 'answer' && watcher !== undefined) respond(watcher, 200, []);
        if (what === 'end') watcher?.onEnd();
        if (what === 'clear') exchanges.clear();
        if (what === 'look') page.apply(feed.next());
      }
      page.apply(feed.next());
      const later = new Look();
      later.apply(feed.whole());
      const all = { kind: 'all', search: '' };
      expect(page.wanted(all)).toEqual(later.wanted(all));
      expect(page.wanted(all).map(({ id }) => id)).toEqual([...exchanges.all()].map(({ id }) => id).reverse());
      feed.stop();
    }),
  );
});

test('a page is told nothing of what has not changed, and nobody listens when the last one has gone', () => {
  const exchanges = new Exchanges(new FakeClock());
  const watcher = exchanges.onExchange(START);
  const feed = new InspectionFeed(exchanges, MASK);
  feed.start();
  expect(feed.next()).toEqual({ whole: false, exchanges: [], gone: [] });
  watcher.onResponseBody(Buffer.alloc(3));
  expect(feed.next().exchanges).toMatchObject([{ id: 1, bytesDown: 3 }]);
  feed.stop();
  watcher.onResponseBody(Buffer.alloc(3));
  expect(feed.next().exchanges).toEqual([]);
});

test('a URL in a list is cut, in a detail it is not', async () => {
  const exchanges = new Exchanges(new FakeClock());
  exchanges.onExchange({ ...START, url: `https://shop.example/${'a'.repeat(10_000)}` });
  const feed = new InspectionFeed(exchanges, MASK);
  expect(feed.whole().exchanges[0]?.url).toHaveLength(2_048);
  const exchange = exchanges.find(1);
  const detail = exchange && (await describeSeen(seenOf(exchange), MASK));
  expect(detail?.url).toHaveLength(10_021);
});

test('what is shown of a message says what is missing of it, and the code of a close', async () => {
  const exchanges = new Exchanges(new FakeClock());
  const watcher = exchanges.onExchange(START);
  upgrade(watcher, 'permessage-deflate');
  watcher.onBytes('up', Buffer.from([0xc1, 3, 0xff, 0xff, 0xff]));
  watcher.onBytes('down', Buffer.concat([Buffer.from([0x88, 6, 0x03, 0xe8]), Buffer.from('done')]));
  const exchange = exchanges.find(1);
  const detail = exchange && (await describeSeen(seenOf(exchange), MASK));
  expect(detail?.url).toBe('wss://shop.example/socket');
  expect(detail?.messages).toMatchObject([
    { opcode: 1, wireBytes: 3, note: 'it could not be decompressed' },
    { opcode: 8, text: '1000 done' },
  ]);
});
