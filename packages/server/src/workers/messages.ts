/** Of what parent and workers say to each other: after a reload workers may be of a newer release than their parent. */
export const MESSAGES_VERSION = 1;

/** What a worker knows from its beginning. */
export interface Assignment {
  readonly version: number;
  /** Counted from 1 as long as the parent lives, and never used again. */
  readonly number: number;
  /** How many share the limits that are meant for the whole server. */
  readonly workers: number;
  /** What holds for all workers alike only this one tells the log: a file that was read again, a certificate that expires. */
  readonly speaksForAll: boolean;
  /** Folder of the sockets by which workers reach each other. */
  readonly doors: string;
}

/** What a worker tells of itself when it is ready to serve. */
export interface Introduction {
  /** Where its sessions live. */
  readonly route: string;
  /** Of its release. */
  readonly version: string;
  readonly users: number;
  readonly tls: boolean;
  readonly udp: boolean;
  /** The settings that are its parent's business, as it has read them. */
  readonly settings: ParentSettings;
}

/** By their names in a configuration file. */
export type ParentSettings = Readonly<Record<string, unknown>>;

/** Who comes there: clients, or other nodes of a cluster. */
export type Door = 'clients' | 'nodes';

/** What a parent may ask. */
export type Question = 'counts' | 'metrics' | 'sessions';

/** What runs in a worker, for the line that says that it stops. */
export interface Counts {
  readonly channels: number;
  readonly flows: number;
}

/** Of the parent, to one worker. Nothing is sent before the worker has introduced itself: what comes as it loads would be lost. */
export type ToWorker =
  /** A connection that was accepted comes with it. */
  | { readonly kind: 'connection'; readonly door: Door }
  | { readonly kind: 'ping' }
  | { readonly kind: 'ask'; readonly id: number; readonly question: Question }
  /** No tunnel leads to this address. */
  | { readonly kind: 'never dial'; readonly address: string; readonly port: number }
  /** With what tickets of TLS are sealed from now on, in base64. */
  | { readonly kind: 'ticket keys'; readonly keys: string }
  /** Files are to be read again. */
  | { readonly kind: 'reload' }
  /** Others get what is new. It ends when it is empty, or after `retire` ms and then as with `stop`. */
  | { readonly kind: 'retire'; readonly retire: number; readonly drain: number }
  /** It ends, and lets channels finish for `drain` ms. */
  | { readonly kind: 'stop'; readonly drain: number }
  /** Of what both have in common; what it says is the business of the store. */
  | { readonly kind: 'store'; readonly body: unknown };

/** Of a worker, to its parent. */
export type ToParent =
  | { readonly kind: 'ready'; readonly about: Introduction }
  /** It has the connection. */
  | { readonly kind: 'taken' }
  | { readonly kind: 'pong'; readonly sessions: number }
  | { readonly kind: 'answer'; readonly id: number; readonly value: unknown }
  /** It ends now: channels that did not finish, and what it has counted. */
  | { readonly kind: 'over'; readonly unfinished: number; readonly metrics: unknown }
  | { readonly kind: 'store'; readonly body: unknown };
