import fc from 'fast-check';
import { expect, test } from 'vitest';
import { readEvents } from '../../../src/inspect/seen/server-sent-events.js';

test('server-sent events are read as the HTML standard says', () => {
  const stream = [
    '\ufeff: a comment',
    'data: first',
    'data:second ',
    'id: 1',
    '',
    'event: add\r\ndata: {"a":1}\r\n',
    'id',
    'data',
    '',
    'event: nothing without data',
    '',
    'data: cut off',
  ].join('\n');
  expect(readEvents(stream)).toEqual([
    { event: 'message', data: 'first\nsecond ', id: '1' },
    { event: 'add', data: '{"a":1}', id: '1' },
    { event: 'message', data: '', id: '' },
  ]);
});

test('server-sent events are read with every end of a line', () => {
  fc.assert(
    fc.property(
      fc.array(
        fc.string().map((text) => text.replace(/[\r\n]/g, '.')),
        { maxLength: 20 },
      ),
      fc.constantFrom('\n', '\r', '\r\n'),
      (all, end) => {
        const stream = all.map((data) => `data: ${data}${end}${end}`).join('');
        expect(readEvents(stream).map(({ data }) => data)).toEqual(all);
      },
    ),
  );
});

test('server-sent events are bounded', () => {
  expect(readEvents('data:\n\n'.repeat(100_000))).toHaveLength(10_000);
});
