import { describe, expect, test } from 'vitest';
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
  asked: 7,
  answered: 6,
  failure: undefined,
};

/** What each look tells, and whether it asks the peer, of a channel that stands still at first: '' for nothing. */
function looksAt(...changes: Partial<ChannelFigures>[]): string[] {
  let figures = STALLED;
  let asks = 0;
  const channel = {
    get figures() {
      return figures;
    },
    ask() {
      asks += 1;
    },
  };
  const hearing = new Hearing(channel);
  return changes.map((change) => {
    asks = 0;
    figures = { ...STALLED, ...change };
    const { hasMoved, isIgnored } = hearing.look();
    return [hasMoved && 'moved', isIgnored && 'ignored', asks > 0 && 'asks'].filter(Boolean).join(' ');
  });
}

const HEARD = { framesProcessed: 10 };
/** The PING that was out at first is answered, and the next one is out; then that one too. */
const ANSWERED_BEFORE = { ...HEARD, asked: 8, answered: 7 };
const ANSWERED = { ...HEARD, asked: 8, answered: 8 };

describe('a peer that', () => {
  test.each<[title: string, looks: Partial<ChannelFigures>[], told: string[]]>([
    ['has not heard what was sent may be away, however often it is looked at', [{}, {}, {}], ['', '', '']],
    ['answers though it has not heard what was sent is not judged', [{}, { answered: 7 }], ['', '']],
    ['has heard everything may yet say by the next look that it takes it', [HEARD], ['']],
    ['has heard everything is asked a look later, and waited for', [HEARD, HEARD, HEARD], ['', 'asks', 'asks']],
    ['answers what it was asked before may be away since', [HEARD, HEARD, ANSWERED_BEFORE], ['', 'asks', 'asks']],
    ['answers, and has taken nothing, does not read', [HEARD, HEARD, ANSWERED], ['', 'asks', 'ignored']],
    ['takes some is not ignored', [HEARD, HEARD, { ...ANSWERED, bytesSent: 200 }], ['', 'asks', 'moved']],
    [
      'takes some, and then no more, has its time again',
      [HEARD, { bytesSent: 200 }, { ...ANSWERED, bytesSent: 200 }, { ...ANSWERED, bytesSent: 200 }],
      ['', 'moved', '', 'asks'],
    ],
    ['has another session says it all again', [{ framesSent: 1, framesProcessed: 0 }], ['moved']],
    [
      'is waited for by nobody is not judged',
      [HEARD, { ...HEARD, isStalled: false }, HEARD, HEARD, HEARD],
      ['', '', '', '', 'asks'],
    ],
  ])('%s', (_title, looks, told) => {
    expect(looksAt(...looks)).toEqual(told);
  });
});
