import { FrameType } from './frame.js';

/** What an end can do beyond the first frames of this version: a bit each (PROTOCOL.md, "Capabilities"). */
export const Capability = {
  /** Credit that is not used is given back. */
  return: 0x10,
  /** The server tells what it counts for a user, at `ACCOUNT_HOST`. */
  account: 0x20,
} as const;
export type Capability = (typeof Capability)[keyof typeof Capability];

/** Everything that this end can do. */
export const OFFERED: number = Object.values(Capability).reduce((set, bit) => set | bit, 0);

/** Frames that are an error unless both ends have agreed on them. */
export const GATES: Readonly<Record<number, Capability>> = {
  [FrameType.return]: Capability.return,
  [FrameType.returned]: Capability.return,
};
