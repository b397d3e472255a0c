import type { Duplex } from 'node:stream';
import type { Asker } from './asker.js';

/** A destination that is to be reached. */
export interface DialRequest<U extends Asker = Asker> {
  /** The name or the address that the client asks for, in canonical spelling. */
  readonly host: string;
  readonly port: number;
  /** Whoever asks for it. */
  readonly user: U;
  /** Aborts when the client gives up, or when `dialTimeout` is over. What comes later is destroyed. */
  readonly signal: AbortSignal;
  /** The addresses of the host that the rules and the policy allow, at least one. Rejects when there is none. */
  resolve(): Promise<readonly string[]>;
  /** Reaches the destination as the server does without a dialer: resolves, checks, connects. */
  direct(): Promise<Duplex>;
}

/**
 * Reaches destinations in place of the server: returns a connected socket, one that is about to connect, or any other
 * stream of bytes both ways, which then belongs to the server. Rules and policy judge addresses, so they have a say only
 * where the dialer calls `resolve` or `direct`: whatever else it reaches it answers for.
 *
 * What it throws, or rejects with, is told to the application by its `code`: a failure code such as `DENIED`, or one of
 * the system such as `ECONNREFUSED`; any other error is INTERNAL.
 */
export type Dialer<U extends Asker = Asker> = (request: DialRequest<U>) => Duplex | Promise<Duplex>;
