import type { RawHeaders } from '../watcher.js';

/** What the client asks the thread of a script. */
export type Call =
  | { readonly hook: 'onRequest'; readonly request: RequestFacts }
  | { readonly hook: 'onResponse'; readonly request: RequestFacts; readonly response: ResponseFacts }
  | { readonly hook: 'onMessage'; readonly message: MessageFacts };

export type Hook = Call['hook'];

export interface RequestFacts {
  readonly id: number;
  readonly method: string;
  readonly url: string;
  readonly headers: RawHeaders;
}

export interface ResponseFacts {
  readonly status: number;
  readonly statusText: string;
  readonly headers: RawHeaders;
}

export interface MessageFacts {
  readonly id: number;
  readonly url: string;
  readonly direction: 'up' | 'down';
  readonly data: string | Uint8Array;
}

/** What the script wants of a request or an answer. Undefined: it passes as it is. */
export type Verdict = Change | Answer | { readonly kind: 'abort' } | undefined;

export interface Answer extends ResponseFacts {
  readonly kind: 'answer';
  readonly body: Uint8Array;
}

/** The same of a message. */
export type MessageVerdict =
  | { readonly kind: 'message'; readonly data: string | Uint8Array }
  | { readonly kind: 'drop' }
  | undefined;

/** What is undefined stays as it is. */
export interface Change {
  readonly kind: 'change';
  readonly method?: string;
  readonly url?: string;
  readonly status?: number;
  readonly statusText?: string;
  readonly headers: readonly HeaderChange[];
  readonly body?: Uint8Array | undefined;
}

/** All values that a header has from now on; none where it goes. Names are in lower case. */
export type HeaderChange = readonly [name: string, values: readonly string[]];

/** What a script gets that reads a body, and does not wait for it. */
export const TOO_LATE = 'it is too late to read the body';

/** From the client to the thread. */
export type ToThread =
  | { readonly kind: 'call'; readonly number: number; readonly call: Call }
  /** As it was asked for: its bytes, or why there are none. */
  | { readonly kind: 'body'; readonly number: number; readonly body: Uint8Array | string }
  | { readonly kind: 'ping' };

/** From the thread to the client. */
export type FromThread =
  | { readonly kind: 'loaded'; readonly hooks: readonly Hook[] }
  | ({ readonly kind: 'unusable' } & Failure)
  | { readonly kind: 'verdict'; readonly number: number; readonly verdict: Verdict | MessageVerdict }
  | ({ readonly kind: 'failed'; readonly number: number } & Failure)
  | { readonly kind: 'wants body'; readonly number: number }
  /** Something that the script has left running has thrown. */
  | ({ readonly kind: 'stray' } & Failure)
  | { readonly kind: 'pong' };

export interface Failure {
  /** One line. */
  readonly reason: string;
  /** File and line, where they are known. */
  readonly at: string | undefined;
}
