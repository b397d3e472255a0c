import { FrameType } from '../frame/frame.js';

/** How the opening stands. `requested`: we sent OPEN; `offered`: the peer did, and waits for our answer. */
export type OpeningState = 'requested' | 'offered' | 'open';
/** One direction. `ending`: FIN waits behind data; `ended`: nothing follows. */
export type Half = 'open' | 'ending' | 'ended';
export type Verdict = 'take' | 'ignore' | 'violation';

/** Three facts that change independently of each other. A reset or refused channel is `dead`, no matter what else it was. */
export interface ChannelState {
  opening: OpeningState;
  sending: Half;
  receiving: Half;
  dead: boolean;
}

/** Of a channel that has just been asked for. */
export function newState(opening: OpeningState): ChannelState {
  return { opening, sending: 'open', receiving: 'open', dead: false };
}

/** What to do with a frame that arrives for a channel in this state (PROTOCOL.md, "Channels"). */
export function judge(state: ChannelState, type: number): Verdict {
  if (state.dead) return 'ignore';
  switch (type) {
    case FrameType.openOk:
    case FrameType.openFail:
      return state.opening === 'requested' ? 'take' : 'violation';
    case FrameType.data:
      if (state.opening === 'requested') return 'violation';
      return state.receiving === 'open' ? 'take' : 'violation';
    case FrameType.fin:
      if (state.opening === 'requested') return 'violation';
      return state.receiving === 'open' ? 'take' : 'ignore';
    case FrameType.reset:
      return 'take';
    case FrameType.return:
      return state.receiving === 'open' ? 'take' : 'ignore';
    case FrameType.window:
    case FrameType.returned:
      return state.sending === 'ended' ? 'ignore' : 'take';
    default:
      return 'violation';
  }
}

/** Nothing can happen any more: both directions have ended, or the channel was reset or refused. */
export function isOver(state: ChannelState): boolean {
  return state.dead || (state.opening === 'open' && state.sending === 'ended' && state.receiving === 'ended');
}
