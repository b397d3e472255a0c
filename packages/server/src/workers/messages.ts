import type { ListenPlace } from '../listeners/rules/listen-place.js';

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

/** Who comes there: clients, other nodes of a cluster, those who ask for a host name, or who come to what is held for a remote listener. */
export type Door = 'clients' | 'nodes' | 'names' | HeldPlace;

/** What the parent holds for a remote listener of a worker, by the number that the worker has given it. */
export interface HeldPlace {
  readonly held: number;
}

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
  /** Of what it has asked to hold. `port` undefined, and no `failure`: nothing was held for that listener. */
  | { readonly kind: 'hold answer'; readonly id: number; readonly port?: number; readonly failure?: HoldFailure }
  /** Another worker has what was held. Of UDP that waits for `release`. */
  | { readonly kind: 'hold lost'; readonly id: number }
  /** Of what both have in common; what it says is the business of the store. */
  | { readonly kind: 'store'; readonly body: unknown };

/** What the parent tells of a place that a worker has asked it to hold. */
export type HoldNews = Extract<ToWorker, { kind: 'hold answer' | 'hold lost' }>;

/** Of a worker, to its parent. */
export type ToParent =
  | { readonly kind: 'ready'; readonly about: Introduction }
  /** It has the connection; or it has closed it unread, since what it has come to is somebody else's. */
  | { readonly kind: 'taken'; readonly isTaken: boolean }
  | { readonly kind: 'pong'; readonly sessions: number }
  | { readonly kind: 'answer'; readonly id: number; readonly value: unknown }
  /** It ends now: channels that did not finish, and what it has counted. */
  | { readonly kind: 'over'; readonly unfinished: number; readonly metrics: unknown }
  | HoldRequest
  | HoldRelease
  | { readonly kind: 'store'; readonly body: unknown };

/** A remote listener wants a place. Ports of UDP the worker binds itself, once it has the answer: Node reads what it has bound. */
export interface HoldRequest {
  readonly kind: 'hold';
  /** By which it is known between this worker and the parent from here on. */
  readonly id: number;
  /** The same for the same listener, in any worker. */
  readonly key: string;
  readonly place: ListenPlace;
  /** Given: only what is held for that listener already will do, at this port or at any. */
  readonly inherits?: 'this port' | 'any port' | undefined;
  /** Also while another worker has it. */
  readonly takesOver: boolean;
  /** Connections that may wait for the worker. */
  readonly backlog: number;
}

/** It is needed no more. `isTakenOver`: by this worker, another one is about to want it. */
export interface HoldRelease {
  readonly kind: 'release';
  readonly id: number;
  readonly isTakenOver: boolean;
}

/** What the system has answered. */
export interface HoldFailure {
  readonly code?: string | undefined;
  readonly message: string;
}
