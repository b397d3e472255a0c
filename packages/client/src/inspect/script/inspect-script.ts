/**
 * The default export of the module of `--inspect-script`. It sees what passes, and may change it; what it leaves alone passes as it
 * is, byte for byte. A call that throws, or takes longer than 5 seconds, changes nothing.
 */
export interface InspectScript {
  /** A request, before its destination gets it. A `Response` answers it instead; `Response.error()` ends the connection. */
  onRequest?(request: ScriptRequest): ScriptReply;
  /** An answer, before the application gets it. A `Response` takes its place; `Response.error()` ends the connection. */
  onResponse?(response: ScriptResponse, request: SentRequest): ScriptReply;
  /** A message of a WebSocket, before the other end gets it. The next one of its direction waits meanwhile. */
  onMessage?(message: ScriptMessage): void | Promise<void>;
}

// biome-ignore lint/suspicious/noConfusingVoidType: a function without `return` is the usual case.
export type ScriptReply = Response | undefined | void | Promise<Response | undefined | void>;

/** What has a body. Each of its methods reads the whole body: at most 16 MiB, also when it is decoded. */
export interface ScriptBody {
  /** In UTF-8, decoded as `content-encoding` says. Rejects when the body is too large: it passes all the same. */
  text(): Promise<string>;
  json(): Promise<unknown>;
  bytes(): Promise<Uint8Array>;
  /** What is sent in place of the body. Undefined at first: then the body passes as it came. */
  body: string | Uint8Array | undefined;
}

export interface ScriptRequest extends ScriptBody {
  /** Counts requests. `onResponse` and `onMessage` have the same. */
  readonly id: number;
  /** Neither from HEAD nor to it. */
  method: string;
  /** Absolute. Path and query can change, the destination cannot. */
  url: string;
  /** To change. Those that are not touched keep their case and order. */
  readonly headers: Headers;
}

/** A request as its destination got it. */
export interface SentRequest {
  readonly id: number;
  readonly method: string;
  readonly url: string;
  readonly headers: Headers;
}

export interface ScriptResponse extends ScriptBody {
  status: number;
  statusText: string;
  /** To change. Those that are not touched keep their case and order. */
  readonly headers: Headers;
}

export interface ScriptMessage {
  /** Of the request that has opened the WebSocket. */
  readonly id: number;
  readonly url: string;
  /** `up`: from the application to the destination. */
  readonly direction: 'up' | 'down';
  /** A string is a text message, bytes are a binary one. To change. */
  data: string | Uint8Array;
  /** It does not go on. */
  drop(): void;
}
