import type { Channel, OfferedChannel } from '../channel/channel.js';
import type { Clock } from '../clock.js';
import type { ProcessBudgets } from '../flow/memory-budget.js';
import type { SlabPool } from '../memory/slab-pool.js';
import type { Role } from './channels.js';
import type { ReplayPace } from './replay-pace.js';

export interface SessionOptions {
  readonly role: Role;
  readonly clock: Clock;
  /** Where the bytes lie that it carries: the same for its transports and for all that use its channels. */
  readonly memory: SlabPool;
  /** The peer opened a channel: answer with `accept` or `refuse`. Without it an OPEN breaks the protocol. */
  readonly onChannel?: (channel: OfferedChannel) => void;
  /** The transport is lost; the channels live on, until another one is attached or the session is closed. */
  readonly onDetached: (loss: Loss) => void;
  /** The transport has been silent for suspiciously long: another one may be tried, and attached. */
  readonly onSuspicion?: () => void;
  /** The peer takes no more channels (`drain`), asks for a new transport (`migrate`), or has read nothing behind HELLO (`refused`). */
  readonly onGoAway?: (kind: 'drain' | 'migrate' | 'refused') => void;
  /** The peer takes no more channels, and has not dialled this one: as with `unsent` below, another session may adopt it. */
  readonly onUndialled?: (channel: Channel) => void;
  /** Few channel numbers are left: new channels should begin on another session, those there live on. Told once. */
  readonly onNumbersLow?: () => void;
  /** The peer has answered a PING, after so many ms. */
  readonly onRoundTrip?: ((time: number) => void) | undefined;
  /** `isIdle` has become true. */
  readonly onIdle?: () => void;
  /**
   * The session is over. Told once. Its channels are reset, but for those in `unsent`, which the peer has never dialled:
   * another session may `adopt` them during this call; what nobody adopts is reset after it.
   */
  readonly onClosed: (reason: string, unsent: readonly Channel[]) => void;
  /** Channels that the peer may have open at a time; 1024 unless told. More are refused with LIMIT_REACHED. */
  readonly maxChannels?: number;
  /** A channel that `onChannel` is not told of is about to be refused: the peer has `maxChannels` open, or this end drains. */
  readonly onRefused?: (channel: OfferedChannel, code: 'LIMIT_REACHED' | 'GOING_AWAY') => void;
  /** Silence after which either end sends PING, ms, 5 s to 10 min: told to a server in HELLO. Default 15 s. */
  readonly heartbeat?: number | undefined;
  /** Bounds of the whole process, within which this session has its own. */
  readonly processBudgets?: ProcessBudgets;
  /** What is sent again on another transport is held to it; at once unless told. */
  readonly replayPace?: ReplayPace;
  /** The highest channel number; the last one there is unless told. */
  readonly lastChannel?: number | undefined;
}

/** Why a transport went: an RFC 6455 close code, 1006 when there was none, and what is known of the cause. */
export interface Loss {
  readonly code: number;
  readonly reason: string;
}
