/** Is told what passes, in its order. Nothing of it may hold up what passes, and nothing it throws may end it. */
export interface Watcher {
  onExchange(start: ExchangeStart): ExchangeWatcher;
  /** What is not looked into, once for each destination and reason. */
  onPassedThrough(where: Destination, reason: string): void;
}

export interface Destination {
  readonly host: string;
  readonly port: number;
}

export interface ExchangeStart {
  /** Milliseconds since 1970. */
  readonly at: number;
  /** Counts within the process. */
  readonly connection: number;
  readonly destination: Destination;
  readonly isSecure: boolean;
  readonly version: '1.0' | '1.1' | '2';
  readonly method: string;
  /** Absolute. */
  readonly url: string;
  readonly headers: RawHeaders;
}

/** Names and values one after the other, as in Node's `rawHeaders`. */
export type RawHeaders = readonly string[];

export interface ExchangeWatcher {
  onRequestBody(chunk: Uint8Array): void;
  onRequestEnd(trailers: RawHeaders): void;
  onInformation(status: number, headers: RawHeaders): void;
  onResponse(head: {
    readonly at: number;
    readonly status: number;
    readonly statusText: string;
    readonly version: '1.0' | '1.1' | '2';
    readonly headers: RawHeaders;
  }): void;
  onResponseBody(chunk: Uint8Array): void;
  onResponseEnd(trailers: RawHeaders): void;
  /** After a 101: bytes of either direction, as they pass. */
  onBytes(direction: 'up' | 'down', chunk: Uint8Array): void;
  /** Once for each part that a script has changed, or made; the part is told as the script wants it. */
  onScripted?(part: ScriptedPart): void;
  /** Nothing more comes. `failure`: why it ended too soon. */
  onEnd(failure?: string): void;
}

export type ScriptedPart = 'request' | 'answer' | 'messages';
