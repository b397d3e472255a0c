import type { OfferedChannel } from '../channel/channel.js';
import type { Clock } from '../clock.js';
import type { OfferedFlow } from '../datagram/flow.js';
import type { ProcessBudgets } from '../flow/memory-budget.js';
import type { OfferedListener } from '../listen/listener.js';
import type { SlabPool } from '../memory/slab-pool.js';
import type { Carried } from './carried.js';
import type { Role } from './channels.js';
import type { ReplayPace } from './replay-pace.js';

export interface SessionOptions {
  readonly role: Role;
  readonly clock: Clock;
  /** Where the bytes lie that it carries: the same for its transports and for all that use its channels. */
  readonly memory: SlabPool;
  /** The peer opened a channel by OPEN: answer with `accept` or `refuse`. Without it that breaks the protocol. */
  readonly onChannel?: (channel: OfferedChannel) => void;
  /** The peer opened a flow: answer with `accept` or `refuse`. A server without it offers no flows. */
  readonly onFlow?: ((flow: OfferedFlow) => void) | undefined;
  /** The peer asks for a listener: answer with `accept` or `refuse`. A server without it listens for nobody. */
  readonly onListen?: ((listener: OfferedListener) => void) | undefined;
  /** The server calls a service of this end: answer with `accept` or `refuse`. A client without it takes no calls. */
  readonly onCall?: ((channel: OfferedChannel, service: string) => void) | undefined;
  /** The transport is lost; the channels and flows live on, until another one is attached or the session is closed. */
  readonly onDetached: (loss: Loss) => void;
  /** The transport has been silent for suspiciously long: another one may be tried, and attached. */
  readonly onSuspicion?: () => void;
  /** The peer takes no more channels (`drain`), asks for a new transport (`migrate`), or has read nothing behind HELLO (`refused`). */
  readonly onGoAway?: (kind: 'drain' | 'migrate' | 'refused') => void;
  /** The peer takes no more channels and flows, and has not dialled this one: as with `unsent` below, another session may adopt it. */
  readonly onUndialled?: (one: Carried) => void;
  /** Few channel numbers are left, of this end's or the server's: what is new should begin on another session, what is there lives on. */
  readonly onNumbersLow?: () => void;
  /** The peer has answered a PING, after so many ms. */
  readonly onRoundTrip?: ((time: number) => void) | undefined;
  /** `isIdle` has become true. */
  readonly onIdle?: () => void;
  /**
   * The session is over. Told once. Its channels and flows are reset, but for those in `unsent`, which the peer has never
   * dialled: another session may `adopt` them during this call; what nobody adopts is reset after it.
   */
  readonly onClosed: (reason: string, unsent: readonly Carried[]) => void;
  /** Channels that the peer may have open at a time; 1024 unless told. More are refused with LIMIT_REACHED. */
  readonly maxChannels?: number;
  /** A channel that `onChannel` is not told of is about to be refused: the peer has `maxChannels` open, or this end drains. */
  readonly onRefused?: (channel: OfferedChannel, code: 'LIMIT_REACHED' | 'GOING_AWAY') => void;
  /** The same of flows; 256 unless told. */
  readonly maxFlows?: number;
  readonly onFlowRefused?: (flow: OfferedFlow, code: 'LIMIT_REACHED' | 'GOING_AWAY') => void;
  /** Listeners that the peer may have at a time, those that stand in line among them; 128 unless told. */
  readonly maxListeners?: number;
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
