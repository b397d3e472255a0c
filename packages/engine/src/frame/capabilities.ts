import { FrameType } from './frame.js';

/** What an end can do beyond the first frames of this version: a bit each (PROTOCOL.md, "Capabilities"). */
export const Capability = {
  /** What was processed is told in bytes of the transport, too. */
  taken: 0x01,
  /** Datagrams. The other one is needed for it. */
  flows: 0x02,
  /** The server listens for the client. */
  listen: 0x04,
  /** The server opens channels to services of the client. */
  calls: 0x08,
  /** Credit that is not used is given back. */
  return: 0x10,
  /** The server tells what it counts for a user, at `ACCOUNT_HOST`. */
  account: 0x20,
  /** Frames of data that are longer than others. */
  longData: 0x40,
} as const;
export type Capability = (typeof Capability)[keyof typeof Capability];

/** Everything that this end can do. */
export const OFFERED: number = Object.values(Capability).reduce((set, bit) => set | bit, 0);

/** Frames that are an error unless both ends have agreed on them: on one of these capabilities. */
export const GATES: Readonly<Record<number, number>> = {
  [FrameType.listen]: Capability.listen,
  [FrameType.listening]: Capability.listen,
  [FrameType.flow]: Capability.flows,
  [FrameType.incoming]: Capability.listen | Capability.calls,
  [FrameType.taken]: Capability.taken,
  [FrameType.datagram]: Capability.flows,
  [FrameType.return]: Capability.return,
  [FrameType.returned]: Capability.return,
  [FrameType.longData]: Capability.longData,
};
