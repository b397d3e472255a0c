import type { RateBucket } from '../limits/rate-bucket.js';
import type { FlowRecord } from '../observe/observer.js';
import type { User } from '../users/user.js';
import type { FlowInfo } from './flow-info.js';

/** A session, as far as its flows have to know it. */
export interface SessionOfFlows {
  /** The first 8 hexadecimal characters of its id. */
  readonly id: string;
  /** Whose it is, with the rules of now. */
  readonly user: User;
  /** `wsproxy-client doctor` has it, as it says itself. */
  readonly isProbe: boolean;
  /** Its client is away. */
  readonly isAway: boolean;
  /** For how many more destinations they may begin to send to. */
  readonly newPeers: RateBucket;
  onFlowOpened(flow: LivingFlow): void;
  /** Also for one that was never open. */
  onFlowOver(flow: LivingFlow, record: FlowRecord): void;
}

/** A flow, as far as its session has to know it. */
export interface LivingFlow {
  readonly info: FlowInfo;
}
