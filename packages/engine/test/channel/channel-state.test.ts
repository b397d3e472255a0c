import { describe, expect, test } from 'vitest';
import {
  type ChannelState,
  type Half,
  isOver,
  judge,
  type OpeningState,
  type Verdict,
} from '../../src/channel/channel-state.js';
import { FrameType } from '../../src/frame/frame.js';

const openings: OpeningState[] = ['requested', 'offered', 'open'];
const halves: Half[] = ['open', 'ending', 'ended'];
const types = ['openOk', 'openFail', 'data', 'fin', 'reset', 'window', 'return', 'returned'] as const;

/** Every state that a living channel can be in. */
const states: ChannelState[] = openings.flatMap((opening) =>
  halves.flatMap((sending) => halves.map((receiving) => ({ opening, sending, receiving, dead: false }))),
);

/** Rules of PROTOCOL.md, section 5, in words rather than in the order in which the code asks. */
function expected({ opening, sending, receiving }: ChannelState, type: (typeof types)[number]): Verdict {
  switch (type) {
    case 'openOk':
    case 'openFail':
      // Only to the opener, and only while it waits.
      return opening === 'requested' ? 'take' : 'violation';
    case 'data':
      // The acceptor speaks first with OPEN_OK; nothing comes after FIN.
      return opening !== 'requested' && receiving === 'open' ? 'take' : 'violation';
    case 'fin':
      if (opening === 'requested') return 'violation';
      return receiving === 'open' ? 'take' : 'ignore';
    case 'reset':
      return 'take';
    case 'return':
      // Nothing comes any more: there is nothing to give back.
      return receiving === 'open' ? 'take' : 'ignore';
    case 'window':
    case 'returned':
      // Credit for nothing: our FIN has gone.
      return sending === 'ended' ? 'ignore' : 'take';
  }
}

describe.each(types)('%s', (type) => {
  test.each(states)('for a channel $opening, sending $sending, receiving $receiving', (state) => {
    expect(judge(state, FrameType[type])).toBe(expected(state, type));
  });

  test('is ignored for every channel that is dead', () => {
    for (const state of states) expect(judge({ ...state, dead: true }, FrameType[type])).toBe('ignore');
  });
});

test.each(['open', 'hello', 'resume', 'ack', 'ping', 'pong', 'goAway'] as const)(
  '%s is never for a channel',
  (type) => {
    for (const state of states) expect(judge(state, FrameType[type])).toBe('violation');
  },
);

test('a channel is over when it is dead, or answered and ended both ways', () => {
  for (const state of states) {
    const { opening, sending, receiving } = state;
    expect(isOver(state)).toBe(opening === 'open' && sending === 'ended' && receiving === 'ended');
    expect(isOver({ ...state, dead: true })).toBe(true);
  }
});
