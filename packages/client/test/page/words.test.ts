import { describe, expect, test } from 'vitest';
import type { Figures, Listener, TunnelEvent } from '../../page/news.js';
import {
  cause,
  details,
  endsText,
  eventText,
  headline,
  listenerState,
  plainReason,
  serverState,
  targetText,
} from '../../page/words.js';

const NOW = new Date(2026, 10, 26, 14, 2, 11).getTime();
const SERVER = 'wss://proxy.example.org/tunnel';

function figures(more: Partial<Figures>): Figures {
  const sums = { bytesUp: 0, bytesDown: 0, rateUp: 0, rateDown: 0, channelCount: 0, idleCount: 0, flowCount: 0 };
  const times = { uptimeMs: 0, clockMs: 0, sinceMs: 8_040_000 };
  return {
    version: '1',
    state: 'online',
    server: SERVER,
    servers: [],
    listeners: [],
    failedTries: 0,
    resumes: 0,
    stranded: 0,
    ...sums,
    ...times,
    ...more,
  };
}

/** All that the head of the page says. */
const head = (more: Partial<Figures>) => [
  headline(figures(more), NOW),
  cause(figures(more)),
  ...details(figures(more)),
];

describe('the state in words', () => {
  test('of a tunnel that is up', () => {
    expect(head({ roundTripMs: 23.4, resumes: 2 })).toEqual([
      'Connected to proxy.example.org',
      '',
      'for 2 h 14 min',
      'round trip 23 ms',
      '2 interruptions, nothing lost',
    ]);
    expect(head({ resumes: 1 }).at(-1)).toBe('1 interruption, nothing lost');
  });

  test('of what carries it, and why it is no WebSocket', () => {
    const way = { name: 'HTTP', sinceMs: 60_000, reason: 'the answer has status 426' };
    expect(head({ way }).slice(3)).toEqual([
      'by HTTP for 1 min, because the WebSocket has failed: the answer has status 426',
    ]);
    expect(head({ way: { ...way, reason: undefined } }).slice(3)).toEqual(['by HTTP for 1 min']);
    expect(head({ way: { ...way, name: 'WebSocket' } }).slice(3)).toEqual(['by WebSocket']);
  });

  test('of a tunnel whose server is about to cut it', () => {
    expect(head({ reason: 'the server refused the token (401)' }).slice(0, 2)).toEqual([
      'Connected to proxy.example.org',
      'Connections end soon: the server refused the token (401).',
    ]);
  });

  test.each([
    [1, '1 connection waits for a part of the server that does not answer. New ones are served.'],
    [3, '3 connections wait for a part of the server that does not answer. New ones are served.'],
  ])('of a tunnel whose server has lost sight of %i', (stranded, sentence) => {
    expect(head({ stranded }).slice(0, 2)).toEqual(['Connected to proxy.example.org', sentence]);
  });

  test('of a user who may carry so much in a month', () => {
    const quota = { bytes: 3 * 2 ** 30, limit: 50 * 2 ** 30, endsAt: '2026-12-01T12:00:00.000Z' };
    expect(head({ quota }).at(-1)).toBe('3.00 GiB of 50.0 GiB used, counted anew from 1 Dec');
    expect(head({ quota: { ...quota, limit: undefined } }).at(-1)).toBe('for 2 h 14 min');
  });

  test('of one that is away says since when, why, and when it is tried next', () => {
    const reason = 'connect ECONNREFUSED 192.0.2.7:443';
    expect(head({ state: 'waiting', sinceMs: 131_000, reason, nextTryMs: 12_400, failedTries: 7 })).toEqual([
      'Not connected since 14:00:00',
      'Nothing listens there; the server may not run.',
      'next try in 12 s',
      '7 tries have failed',
      reason,
    ]);
  });

  test('of one that is just tried', () => {
    expect(head({ state: 'connecting' })).toEqual(['Connecting to proxy.example.org', '', 'trying now']);
    const again = head({ state: 'connecting', sinceMs: 0, reason: 'the token was refused', failedTries: 1 });
    expect(again).toEqual(['Not connected since 14:02:11', 'The token was refused.', 'trying now']);
  });

  test('of one whose server is about to stop', () => {
    expect(head({ state: 'draining' })).toEqual([
      'Connected to proxy.example.org, which is about to stop',
      'It still serves, until another one takes over.',
      'for 2 h 14 min',
    ]);
  });

  test('of one that was not started, or is over', () => {
    expect([head({ state: 'idle' }), head({ state: 'closed' })]).toEqual([
      ['Not started', ''],
      ['Closed', ''],
    ]);
  });
});

test.each([
  ['connect ECONNREFUSED 127.0.0.1:9', 'nothing listens there; the server may not run'],
  ['getaddrinfo ENOTFOUND proxy.example', 'the name is not found; there may be no network'],
  ['connect ENETUNREACH 192.0.2.1:443', 'there is no way to the server; there may be no network'],
  ['connect ETIMEDOUT 192.0.2.1:443', 'the server does not answer'],
  ['read ECONNRESET (1006)', 'the connection was cut'],
  ['connection lost (1006)', 'the connection was cut'],
  ['the peer has left (1001)', 'the server has stopped'],
  ['the server refused the token (401): check it', 'the server refused the token (401): check it'],
  ['session expired (4002)', 'session expired'],
])('the reason %j is told as %j', (reason, text) => expect(plainReason(reason)).toBe(text));

test.each([
  [{ state: 'online' }, 'in use'],
  [{ state: 'online', server: 'wss://other/' }, 'connected'],
  [{ state: 'draining' }, 'about to stop'],
  [{ state: 'connecting' }, 'trying now'],
  [{ state: 'standby' }, 'in reserve'],
  [{ state: 'waiting', reason: 'busy', nextTryMs: 4_000 }, 'busy, next try in 4 s'],
])('a server that is %j is told as %j', (server, text) => {
  expect(serverState({ server: SERVER, ...server }, SERVER)).toBe(text);
});

test.each<[Partial<Listener>, string]>([
  [{ state: 'listening', reason: undefined }, 'listening for 2 h 14 min'],
  [{ state: 'asking', server: undefined }, 'waits for a server'],
  [{ state: 'asking' }, 'waits for proxy.example.org'],
  [{ state: 'standby' }, 'in reserve for 2 h 14 min: another client of this user listens there'],
  [{ state: 'refused' }, 'refused for 2 h 14 min: the address is in use'],
  [{ state: 'refused', reason: undefined }, 'refused for 2 h 14 min'],
])('a remote listener that is %j is told as %j', (listener, text) => {
  const named = { id: 1, listen: '127.0.0.1:8000', target: 'a:80', server: SERVER, arrivals: 0, arrivalsSoFar: 0 };
  const usual = { ...named, state: 'listening', sinceMs: 8_040_000, reason: 'the address is in use' };
  expect(listenerState({ ...usual, ...listener })).toBe(text);
});

test.each([
  ['127.0.0.1:3000', '127.0.0.1:3000'],
  ['proxy', 'SOCKS and HTTP'],
  ['program', 'this program'],
])('a remote listener that leads to %s is told to lead to %s', (target, text) => {
  expect(targetText(target)).toBe(text);
});

test.each([
  [{ target: 'a.example:443' }, 'a.example:443'],
  [{ target: undefined }, 'any'],
  [{ target: '127.0.0.1:3000', peer: '192.0.2.7:50000' }, '127.0.0.1:3000, from 192.0.2.7:50000'],
  [{ target: 'proxy', peer: '192.0.2.7:50000' }, 'SOCKS and HTTP, from 192.0.2.7:50000'],
])('a connection between %j is told as %j', (ends, text) => {
  expect(endsText(ends)).toBe(text);
});

test.each<[Partial<TunnelEvent>, string]>([
  [{ what: 'connected' }, 'Connected to proxy.example.org'],
  [{ what: 'connected', awayMs: 300, kept: true }, 'Connected again within a second; open connections went on'],
  [{ what: 'connected', awayMs: 180_000 }, 'Connected again after 3 min'],
  [{ what: 'connected', kept: true }, 'Connection replaced, without a break'],
  [
    { what: 'connected', former: 'wss://other/', awayMs: 2_000 },
    'proxy.example.org serves now instead of other after 2 s',
  ],
  [{ what: 'lost', reason: 'read ECONNRESET (1006)' }, 'Connection lost: the connection was cut'],
  [{ what: 'failed', reason: 'busy' }, 'A try failed: busy'],
  [{ what: 'failed', reason: 'busy', times: 14 }, '14 tries failed, the last one at 14:02:11: busy'],
  [{ what: 'refused', reason: 'wrong user or password' }, 'A request was refused: wrong user or password'],
  [{ what: 'refused', times: 2 }, '2 requests were refused, the last one at 14:02:11'],
  [{ what: 'closed' }, 'The client was closed'],
])('what happened, %j, is told as %j', (event, text) => {
  const usual = { id: 1, what: 'lost', atMs: 0, lastMs: NOW, times: 1, server: SERVER } as const;
  expect(eventText({ ...usual, ...event }, NOW)).toBe(text);
});
