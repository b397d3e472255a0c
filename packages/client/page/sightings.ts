/** What a client tells of what it looks into: both ends compile against this, which is types alone. Secrets are masked already. */
export interface Sightings {
  /** It stands for itself; otherwise it tells what has changed. */
  readonly whole: boolean;
  /** Exchanges that are new or have changed, oldest first, and the numbers of those that are kept no more. */
  readonly exchanges: readonly Summary[];
  readonly gone: readonly number[];
  /** Connections that are not looked into; told all at once, where there are new ones. */
  readonly passed?: readonly PassedThrough[];
}

/** A request and its answer, as the list shows them. Times are ms. A field that is missing is not known yet. */
export interface Summary {
  readonly id: number;
  readonly connection: number;
  readonly kind: 'http' | 'events' | 'websocket';
  /** When it began, ms since 1970. */
  readonly at: number;
  readonly method: string;
  readonly url: string;
  readonly version: string;
  readonly status?: number;
  readonly statusText?: string;
  /** The media type of the answer. */
  readonly mediaType: string;
  /** Bytes of the bodies, or of what followed a 101. */
  readonly bytesUp: number;
  readonly bytesDown: number;
  readonly messageCount: number;
  /** From its beginning: until the request was sent, the answer began, and all was over. */
  readonly sentMs?: number;
  readonly firstByteMs?: number;
  readonly lastedMs?: number;
  /** Why it ended too soon. */
  readonly failure?: string;
  /** What a script has changed, or made. */
  readonly scripted?: readonly ('request' | 'answer' | 'messages')[];
}

export interface Detail extends Summary {
  readonly host: string;
  readonly port: number;
  readonly secure: boolean;
  readonly requestHeaders: Headers;
  readonly requestTrailers: Headers;
  readonly requestBody: Body;
  readonly informations: readonly { readonly status: number; readonly headers: Headers }[];
  readonly responseHeaders: Headers;
  readonly responseTrailers: Headers;
  readonly responseBody: Body;
  /** How many headers are not kept. */
  readonly headersLeft: number;
  /** Server-sent events. */
  readonly events?: readonly { readonly event: string; readonly data: string; readonly id?: string }[];
  /** Of a WebSocket: the last ones, and why no more are read. */
  readonly messages?: readonly Message[];
  readonly messageProblem?: string;
}

export type Headers = readonly (readonly [name: string, value: string])[];

export interface Body extends Content {
  /** As it was sent. */
  readonly bytes: number;
  /** In lower case, without parameters. */
  readonly mediaType: string;
  /** What is missing of it, or wrong with it. */
  readonly note?: string;
}

/** Text where it is text, base64 where not; neither where there is none. */
interface Content {
  readonly text?: string;
  readonly base64?: string;
}

/** Of a WebSocket. */
export interface Message extends Content {
  /** Counted from 1. */
  readonly number: number;
  /** `up`: from the application to the destination. */
  readonly direction: 'up' | 'down';
  /** Ms since 1970. */
  readonly at: number;
  /** RFC 6455 section 5.2: 1 is text, 2 binary, 8 close, 9 ping, 10 pong. */
  readonly opcode: number;
  /** Decompressed; missing where that failed. */
  readonly bytes?: number;
  readonly wireBytes: number;
  /** What is missing of it, or wrong with it. */
  readonly note?: string;
}

export interface PassedThrough {
  /** Ms since 1970. */
  readonly at: number;
  readonly host: string;
  readonly port: number;
  readonly reason: string;
}
