import { FAILURES, type FailureCode } from '../failures.js';
import { FrameType } from '../frame/frame.js';
import { encodeFailure, encodeFlow, encodeOpen, encodeWord } from '../frame/payload.js';
import type { SequencedFrame } from '../replay/replay-buffer.js';
import type { Target } from '../target.js';

/** What a channel says beside its bytes, and a flow beside its datagrams (PROTOCOL.md, "Channels", "Datagrams"). */
export const channelFrames = {
  open: (channel: number, target: Target, window: number): SequencedFrame => ({
    type: FrameType.open,
    channel,
    payload: encodeOpen({ window, target }),
  }),
  flow: (channel: number, target: Target | undefined): SequencedFrame => ({
    type: FrameType.flow,
    channel,
    payload: encodeFlow({ target }),
  }),
  openOk: (channel: number, limit: number): SequencedFrame => ({
    type: FrameType.openOk,
    channel,
    payload: encodeWord(limit),
  }),
  openFail: (channel: number, code: FailureCode): SequencedFrame => ({
    type: FrameType.openFail,
    channel,
    payload: encodeFailure(FAILURES[code].wire),
  }),
  reset: (channel: number, code: FailureCode): SequencedFrame => ({
    type: FrameType.reset,
    channel,
    payload: encodeFailure(FAILURES[code].wire),
  }),
  fin: (channel: number): SequencedFrame => ({ type: FrameType.fin, channel, payload: undefined }),
};
