import { formatBytes, formatClock, formatDay, formatRoundTrip, formatTime, hostOf } from './format.js';
import type { Figures, Listener, Server, TunnelEvent } from './news.js';

/** How the tunnel stands, in one sentence that stays the same until that changes. */
export function headline(figures: Figures, nowMs: number): string {
  const { state, server, sinceMs, reason } = figures;
  if (state === 'online') return `Connected to ${hostOf(server)}`;
  if (state === 'closed') return 'Closed';
  if (state === 'idle') return 'Not started';
  if (state === 'draining') return `Connected to ${hostOf(server)}, which is about to stop`;
  if (reason === undefined) return `Connecting to ${hostOf(server)}`;
  return `Not connected since ${formatClock(nowMs - sinceMs, nowMs)}`;
}

/** Why it does not carry, or not all; nothing when it does, or nobody knows. */
export function cause({ state, reason, stranded }: Figures): string {
  if (state === 'draining') return 'It still serves, until another one takes over.';
  if (state === 'online' && stranded > 0)
    return `${count(stranded, 'connection')} ${stranded === 1 ? 'waits' : 'wait'} for a part of the server that does not answer. New ones are served.`;
  if (reason === undefined) return '';
  // The server wants another connection, and does not take one.
  const text = state === 'online' ? `connections end soon: ${plainReason(reason)}` : plainReason(reason);
  return `${text.slice(0, 1).toUpperCase()}${text.slice(1)}.`;
}

/** What goes with the sentence, and changes as time goes by. */
export function details(figures: Figures): readonly string[] {
  const { state, sinceMs, way, roundTripMs, resumes, nextTryMs, failedTries, reason, quota } = figures;
  if (state === 'online' || state === 'draining') {
    return [
      `for ${formatTime(sinceMs)}`,
      ...(way === undefined ? [] : [wayText(way)]),
      ...(roundTripMs === undefined ? [] : [`round trip ${formatRoundTrip(roundTripMs)}`]),
      ...(resumes === 0 ? [] : [`${count(resumes, 'interruption')}, nothing lost`]),
      ...(quota?.limit === undefined ? [] : [quotaText(quota.bytes, quota.limit, quota.endsAt)]),
    ];
  }
  if (state !== 'waiting' && state !== 'connecting') return [];
  return [
    nextTryMs === undefined ? 'trying now' : `next try in ${formatTime(nextTryMs)}`,
    ...(failedTries < 2 ? [] : [`${failedTries} tries have failed`]),
    ...(reason === undefined || plainReason(reason) === reason ? [] : [reason]),
  ];
}

/** A WebSocket is what everybody expects: only of others it is told why. */
function wayText({ name, sinceMs, reason }: NonNullable<Figures['way']>): string {
  if (name === 'WebSocket') return 'by WebSocket';
  return `by ${name} for ${formatTime(sinceMs)}${reason === undefined ? '' : `, because the WebSocket has failed: ${reason}`}`;
}

function quotaText(bytes: number, limit: number, endsAt: string): string {
  return `${formatBytes(bytes)} of ${formatBytes(limit)} used, counted anew from ${formatDay(Date.parse(endsAt))}`;
}

/** How it stands with one of several servers. */
export function serverState({ server, state, reason, nextTryMs }: Server, inUse: string): string {
  if (state === 'online') return server === inUse ? 'in use' : 'connected';
  if (state === 'draining') return 'about to stop';
  if (state === 'connecting') return 'trying now';
  const why = reason === undefined ? [] : [plainReason(reason)];
  const next = nextTryMs === undefined ? [] : [`next try in ${formatTime(nextTryMs)}`];
  return [...why, ...next].join(', ') || (state === 'standby' ? 'in reserve' : 'not connected');
}

/** How it stands with a remote listener: since when it listens, or what it waits for. */
export function listenerState({ state, sinceMs, server, reason }: Listener): string {
  const time = formatTime(sinceMs);
  if (state === 'listening') return `listening for ${time}`;
  if (state === 'asking') return server === undefined ? 'waits for a server' : `waits for ${hostOf(server)}`;
  if (state === 'standby') return `in reserve for ${time}: another client of this user listens there`;
  return `refused for ${time}${reason === undefined ? '' : `: ${reason}`}`;
}

/** Where a remote listener leads to. */
export function targetText(target: string): string {
  return TARGETS[target] ?? target;
}

/** Between whom a channel or a flow is: who has come to a remote listener is told as well. */
export function endsText({
  target = 'any',
  peer,
}: {
  readonly target?: string | undefined;
  readonly peer?: string | undefined;
}): string {
  return peer === undefined ? target : `${targetText(target)}, from ${peer}`;
}

const TARGETS: Readonly<Record<string, string>> = { proxy: 'SOCKS and HTTP', program: 'this program' };

/** What has happened, in one line. */
export function eventText(event: TunnelEvent, nowMs: number): string {
  const { what, server, reason, former, awayMs, kept, times, lastMs } = event;
  if (what === 'closed') return 'The client was closed';
  if (what === 'connected') {
    const place = former === undefined ? 'Connected' : `${hostOf(server)} serves now instead of ${hostOf(former)}`;
    const again = former === undefined && awayMs !== undefined ? ' again' : '';
    if (kept === true && awayMs === undefined) return 'Connection replaced, without a break';
    const after = awayMs === undefined ? '' : ` ${awayMs < 1_000 ? 'within a second' : `after ${formatTime(awayMs)}`}`;
    const to = awayMs === undefined && former === undefined ? ` to ${hostOf(server)}` : '';
    return `${place}${again}${to}${after}${kept === true ? '; open connections went on' : ''}`;
  }
  const why = reason === undefined ? '' : `: ${plainReason(reason)}`;
  if (what === 'lost') return `Connection lost${why}`;
  const [one, many] =
    what === 'refused' ? ['A request was refused', 'requests were refused'] : ['A try failed', 'tries failed'];
  if (times === 1) return `${one}${why}`;
  return `${times} ${many}, the last one at ${formatClock(lastMs, nowMs)}${why}`;
}

/** A reason as people would say it. What is not known here is left as it is: it may be plain already. */
export function plainReason(reason: string): string {
  return REASONS.find(([pattern]) => pattern.test(reason))?.[1] ?? reason.replace(/ \(\d{4}\)$/, '');
}

/** Codes of the system, and of WebSocket (RFC 6455 section 7.4.1). */
const REASONS: readonly (readonly [RegExp, string])[] = [
  [/\bECONNREFUSED\b/, 'nothing listens there; the server may not run'],
  [/\b(ENOTFOUND|EAI_AGAIN)\b/, 'the name is not found; there may be no network'],
  [/\b(ENETUNREACH|EHOSTUNREACH|ENETDOWN)\b/, 'there is no way to the server; there may be no network'],
  [/\b(ETIMEDOUT|timed out)\b/, 'the server does not answer'],
  [/\b(ECONNRESET|EPIPE)\b|^connection lost \(1006\)$/, 'the connection was cut'],
  [/^the peer has left\b/, 'the server has stopped'],
  [/^a new session begins$/, 'the server has ended the session'],
];

/** What an application speaks, as people would say it. */
export function kindText(kind: string): string {
  return KINDS[kind] ?? kind;
}

const KINDS: Readonly<Record<string, string>> = {
  socks5: 'SOCKS5',
  socks4: 'SOCKS4',
  connect: 'HTTP',
  'socks5-udp': 'SOCKS5',
  'connect-udp': 'CONNECT-UDP',
  'forward-udp': 'forward',
  http: 'plain HTTP',
  forward: 'forward',
  stdio: 'stdio',
  library: 'program',
  remote: 'remote listener',
};

export function count(number: number, noun: string): string {
  return `${number} ${noun}${number === 1 ? '' : 's'}`;
}
