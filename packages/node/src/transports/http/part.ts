import { randomBytes } from 'node:crypto';

/** The header that says which transport a request belongs to, and what it is there for (PROTOCOL.md, "Over HTTP"). */
export const TRANSPORT_HEADER = 'wsproxy-transport';

/** What a request is for in the transport `id`. */
export interface Part {
  readonly id: string;
  readonly what: PartKind;
  /** Of pieces and polls: 1, 2, and so on, each by itself; 0 for others. */
  readonly n: number;
}

/**
 * `open` opens it, its response is the way down; so does `open-poll`, whose response only says so. `stream` is a body without
 * end, the way up; `piece` a part of the same with an end. `poll` is answered with what has to go down.
 */
export type PartKind = 'open' | 'open-poll' | 'stream' | 'piece' | 'poll';

export function formatPart({ id, what, n }: Part): string {
  return what === 'piece' || what === 'poll' ? `${id};${what}=${n}` : `${id};${what}`;
}

/** Undefined for what `formatPart` has not written. */
export function parsePart(text: string): Part | undefined {
  const [, id = '', what = '', digits] = PART.exec(text) ?? [];
  if (id === '') return undefined;
  const n = Number(digits ?? 0);
  const isNumbered = what === 'piece' || what === 'poll';
  if (isNumbered !== n > 0 || n > MAX_NUMBER) return undefined;
  return { id, what: what as PartKind, n };
}

/** 16 random bytes. */
export function newTransportId(): string {
  return randomBytes(16).toString('base64url');
}

const PART = /^([\w-]{22});(open|open-poll|stream|piece|poll)(?:=([1-9]\d{0,15}))?$/;
const MAX_NUMBER = Number.MAX_SAFE_INTEGER;

/** No piece and no answer to a poll carries more, bytes. */
export const MAX_BODY = 262_144;
/** Polls that may wait for their answer at a time. */
export const POLLS = 2;
/** A poll is answered with nothing after so long, ms: before somebody on the way loses patience. */
export const POLL_TIME = 20_000;
/** What the way down begins with, bytes: a proxy that waits for a first buffer shows by it. */
export const FIRST_PADDING = 2_048;
