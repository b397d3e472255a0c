import { expect, test } from 'vitest';
import type { ChannelFigures } from 'wsproxy-engine';
import { Hearing } from '../../src/relay/last-words.js';

const STALLED: ChannelFigures = {
  age: 0,
  bytesSent: 100,
  bytesReceived: 0,
  windowStalls: 1,
  isStalled: true,
  framesSent: 10,
  framesProcessed: 4,
  failure: undefined,
};

/** What each look tells, of a channel that stands still at first: '' for nothing. */
function looksAt(...changes: Partial<ChannelFigures>[]): string[] {
  const hearing = new Hearing(STALLED);
  return changes.map((change) => {
    const { hasMoved, isIgnored } = hearing.look({ ...STALLED, ...change });
    return [hasMoved && 'moved', isIgnored && 'ignored'].filter(Boolean).join(' ');
  });
}

const HEARD = { framesProcessed: 10 };

test.each<[title: string, looks: Partial<ChannelFigures>[], told: string[]]>([
  ['has not heard what was sent may be away, however often it is looked at', [{}, {}, {}], ['', '', '']],
  ['has heard everything may yet say by the next look that it takes it', [HEARD], ['']],
  ['has heard everything, and takes nothing until the next look, does not read', [HEARD, HEARD], ['', 'ignored']],
  ['takes some is not ignored', [HEARD, { ...HEARD, bytesSent: 200 }], ['', 'moved']],
  [
    'takes some, and then no more, has its time again',
    [HEARD, { bytesSent: 200 }, { bytesSent: 200 }],
    ['', 'moved', ''],
  ],
  ['has another session says it all again', [{ framesSent: 1, framesProcessed: 0 }], ['moved']],
  ['is waited for by nobody is not judged', [HEARD, { ...HEARD, isStalled: false }, HEARD], ['', '', '']],
])('a peer that %s', (_title, looks, told) => {
  expect(looksAt(...looks)).toEqual(told);
});
