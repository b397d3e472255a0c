import type { Greeter } from '../session/greeter.js';
import type { Loss } from '../session/session-options.js';
import type { Transport } from '../transport.js';

declare global {
  /** What is asked of it here; Node and browsers say the rest. */
  interface AbortSignal {
    readonly aborted: boolean;
  }
}

/** A server, and the way to it. */
export interface KnownServer {
  /** For the log and the status: its URL. */
  readonly name: string;
  /** Opens a transport for the session that `greeting` is of; rejects with ConnectError. `signal` gives up. */
  readonly connect: (signal: AbortSignal, greeting: Greeting) => Promise<Transport>;
  /** The same by a better way than that of `transport`. */
  readonly connectBetter?: (signal: AbortSignal, greeting: Greeting, transport: Transport) => Promise<Transport>;
  /** Those that lead there. Default: there is one. */
  readonly ways?: WaysToServer;
}

/** Which session a transport is for, and where that lives: one object for the life of the session. */
export type Greeting = Pick<Greeter, 'next' | 'route'>;

/** What is told to those who choose between several ways to a server, and what they say. */
export interface WaysToServer {
  /** What carries a transport, for the log. */
  fieldsOf(transport: Transport): { readonly way?: string };
  statusOf(transport: Transport): WayStatus | undefined;
  /** How long the server has to answer a greeting, ms. */
  greetingTime(transport: Transport): number;
  /** In how many ms a better way than that of `transport` may be tried; infinite if there is none. */
  betterIn(transport: Transport): number;
  /** How old a transport may become before the next one takes its place, ms; infinite unless its way cuts all of them at one age. */
  safeAge(transport: Transport): number;
  /** The server has answered a greeting on it. */
  onAnswered(transport: Transport): void;
  /** It has not led to a session. `isRefused`: the server itself has said that it has nothing of it. */
  onUnwelcome(transport: Transport, loss: Loss, isRefused: boolean): void;
  /** Somebody has cut a transport that had carried a session for so long, ms. `isBarren`: nothing came that the session waits for. */
  onCut(transport: Transport, age: number, isBarren: boolean): void;
}

/** The way on which a session is carried. */
export interface WayStatus {
  /** `WebSocket`, `WebSocket over HTTP/2`, `HTTP` or `HTTP polling`. */
  readonly name: string;
  /** For how long it is the one that is used, ms. */
  readonly sinceMs: number;
  /** What was wrong with a better one; undefined when nothing was, or nobody has tried. */
  readonly reason: string | undefined;
}

/** Why a transport is given up that has brought no answer to its greeting. */
export const SILENCE = 'the server did not answer the greeting';
