import { type Channel, formatTarget, type Session } from 'wsproxy-engine';
import type { FlowInfo } from '../flows/flow-info.js';
import type { ArrivalInfo } from '../listeners/arrival-info.js';
import type { ListenerInfo } from '../listeners/listener-info.js';

/** A living session, for people and metrics to read: nothing in it lets anybody resume it. */
export interface SessionInfo {
  readonly user: string;
  /** Which of several tokens its client came with last; undefined when there is only one. */
  readonly tokenLabel?: string | undefined;
  /** The first 8 hexadecimal characters of its id, as in the log. */
  readonly id: string;
  /** Where its last transport came from; undefined when that is not known. */
  readonly remoteAddress: string | undefined;
  /** What carries it, or did so last: `WebSocket`, `WebSocket over HTTP/2`, `HTTP`, `HTTP polling` or `Wisp`. */
  readonly way: string;
  /** Of its client, as that says; undefined for other programs. */
  readonly version: string | undefined;
  /** False while it waits for its client to come back. */
  readonly attached: boolean;
  readonly ageMs: number;
  readonly resumes: number;
  /** Shortest round trip of the last seconds; undefined while unknown. */
  readonly roundTripMs: number | undefined;
  /** What is kept to be sent again, bytes of memory. */
  readonly replayBytes: number;
  /** Those that its client has opened. */
  readonly channels: readonly ChannelInfo[];
  /** Flows of datagrams that are open, and those that have come to remote listeners. */
  readonly flows: readonly FlowInfo[];
  /** Remote listeners of its client. */
  readonly listeners: readonly ListenerInfo[];
  /** Connections that have come to these, and calls. */
  readonly arrivals: readonly ArrivalInfo[];
}

/** A living channel, for people and metrics to read. */
export interface ChannelInfo {
  /** `host:port` as the application named it. */
  readonly target: string;
  /** Whether the target was dialled already. */
  readonly open: boolean;
  readonly ageMs: number;
  /** Payload bytes from the client to the destination. */
  readonly bytesUp: number;
  /** Payload bytes from the destination to the client. */
  readonly bytesDown: number;
  readonly windowStalls: number;
}

/** What only the keeper of a session knows of it. */
export type KeptFacts = Pick<
  SessionInfo,
  'user' | 'tokenLabel' | 'id' | 'remoteAddress' | 'way' | 'version' | 'ageMs' | 'flows' | 'listeners' | 'arrivals'
>;

export function describeSession(session: Session, facts: KeptFacts): SessionInfo {
  const { attached } = session;
  const { resumes, roundTrip, replayBytes } = session.figures;
  return {
    ...facts,
    attached,
    resumes,
    roundTripMs: Number.isFinite(roundTrip) ? Math.round(roundTrip * 1_000) / 1_000 : undefined,
    replayBytes,
    channels: session.channels
      .filter(isOfClient)
      .map(({ target, state, figures: { age, bytesReceived, bytesSent, windowStalls } }) => ({
        target: formatTarget(target),
        open: state.opening === 'open',
        ageMs: Math.round(age),
        bytesUp: bytesReceived,
        bytesDown: bytesSent,
        windowStalls,
      })),
  };
}

/** Those that this end has opened have even numbers (PROTOCOL.md, section 5): arrivals. */
function isOfClient({ id }: Channel): boolean {
  return id % 2 === 1;
}
