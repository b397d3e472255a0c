import type { Socket } from 'node:net';
import { describe, expect, test } from 'vitest';
import { HANDSHAKE_TIMEOUT, MemoryTransport, type Transport } from 'wsproxy-engine';
import { SILENCE } from 'wsproxy-engine/connector';
import { FakeClock } from 'wsproxy-engine/testing';
import {
  type HttpOpening,
  NoHttp2Error,
  type OpenTransport,
  RefusedError,
  type WayToServer,
} from 'wsproxy-node/transports';
import { newMemory } from 'wsproxy-test-support/engine/new-memory';
import type { TransportChoice } from '../../src/reach/transport-choice.js';
import { Ways } from '../../src/reach/ways.js';

/** What a way does when it is asked: an answer after so many ms, or none at all. */
type Doing = { readonly after: number; readonly refuses?: number | Error } | 'silent';

function newWorld(choice: TransportChoice = 'auto', url = new URL('ws://the-server/')) {
  const clock = new FakeClock();
  const lines: string[] = [];
  const log = ({ way }: { way?: string }, message: string): void => void lines.push(`${way}: ${message}`);
  const doing = new Map<string, Doing>();
  const asked: string[] = [];
  /** Those of them that a session would move to. */
  const trials: string[] = [];
  const openings: HttpOpening[] = [];
  const opener =
    (name: string): OpenTransport =>
    async (way, signal) => {
      asked.push(name);
      if (way.isTrial === true) trials.push(name);
      await way.connect();
      const does = doing.get(name) ?? 'silent';
      return new Promise((resolve, reject) => {
        signal.addEventListener('abort', () => reject(new Error('given up')), { once: true });
        if (does === 'silent') return;
        clock.setTimer(() => {
          if (does.refuses === undefined) resolve(MemoryTransport.pair()[0]);
          else reject(does.refuses instanceof Error ? does.refuses : new RefusedError(does.refuses, {}));
        }, does.after);
      });
    };
  const ways = new Ways(choice, url, {
    clock,
    logger: { debug: () => {}, info: log, warn: log, error: log },
    openers: {
      websocket: opener('ws'),
      http2: opener('h2'),
      http: (opening) => {
        openings.push(opening);
        return opener(opening.down);
      },
    },
  });
  const way: WayToServer = {
    url,
    headers: {},
    memory: newMemory(),
    connect: async () => ({ socket: {} as Socket, isPrivate: true }),
  };
  const pass = async (ms: number): Promise<void> => {
    for (let passed = 0; passed < ms; passed += 100) {
      for (let turn = 0; turn < 10; turn++) await Promise.resolve();
      clock.advance(100);
    }
    for (let turn = 0; turn < 10; turn++) await Promise.resolve();
  };
  /** What opens within ten seconds. */
  const attempt = async (open: OpenTransport = ways.open): Promise<Transport | Error> => {
    const deadline = new AbortController();
    let outcome: Transport | Error | undefined;
    open(way, deadline.signal).then(
      (transport) => {
        outcome = transport;
      },
      (error) => {
        outcome = error as Error;
      },
    );
    for (let waited = 0; outcome === undefined && waited < 10_000; waited += 100) await pass(100);
    deadline.abort(new DOMException('no answer', 'TimeoutError'));
    await pass(100);
    return outcome ?? new Error('nothing');
  };
  const opened = async (open?: OpenTransport): Promise<Transport> => {
    const outcome = await attempt(open);
    if (outcome instanceof Error) throw outcome;
    return outcome;
  };
  const answered = async (open?: OpenTransport): Promise<Transport> => {
    const transport = await opened(open);
    ways.onAnswered(transport);
    return transport;
  };
  const nameOf = (transport: Transport): string => ways.fieldsOf(transport).way ?? 'WebSocket';
  return { clock, lines, doing, asked, trials, openings, ways, pass, attempt, opened, answered, nameOf };
}

const SOON = { after: 100 };
const SILENT = { code: 1006, reason: SILENCE };
const CUT = { code: 1006, reason: '' };
const REFUSED = { after: 100, refuses: 400 };

describe('the ways to a server', () => {
  test('begin with the WebSocket, and that alone if it opens', async () => {
    const { doing, asked, answered, nameOf, lines, ways } = newWorld();
    doing.set('ws', SOON).set('stream', SOON);
    const transport = await answered();
    expect([asked, nameOf(transport), lines, ways.betterIn(transport)]).toEqual([
      ['ws'],
      'WebSocket',
      [],
      Number.POSITIVE_INFINITY,
    ]);
  });

  test.each([
    ['refused', REFUSED, 600_000],
    ['silent', 'silent', 60_000],
    ['refused by a proxy that finds nobody', { after: 100, refuses: 502 }, 60_000],
  ] as const)('go on with HTTP where WebSockets are %s, and try them again later', async (_, websocket, after) => {
    const { doing, answered, nameOf, lines, ways, asked } = newWorld();
    doing.set('ws', websocket).set('stream', SOON);
    const transport = await answered();
    expect([nameOf(transport), lines]).toEqual(['HTTP', ['HTTP: chose a way to the server']]);
    expect(ways.betterIn(transport)).toBeGreaterThan(after - 300);
    expect(ways.betterIn(transport)).toBeLessThanOrEqual(after);
    asked.length = 0;
    await answered();
    expect(asked).toEqual(['stream']);
  });

  test('try a better way with growing pauses, up to an hour', async () => {
    const { doing, answered, attempt, ways, pass } = newWorld();
    doing.set('stream', SOON);
    const transport = await answered();
    const pauses: number[] = [];
    for (let look = 0; look < 5; look++) {
      await pass(Math.max(0, ways.betterIn(transport)));
      expect(await attempt(ways.openBetter(transport))).toBeInstanceOf(Error);
      pauses.push(Math.round(ways.betterIn(transport) / 60_000));
    }
    expect(pauses).toEqual([6, 36, 60, 60, 60]);
  });

  test('have to answer first where a session would move to them, and their silence changes nothing', async () => {
    const { doing, answered, attempt, ways, trials, asked } = newWorld();
    doing.set('poll', SOON);
    const transport = await answered();
    expect(trials).toEqual([]);
    asked.length = 0;
    for (let trial = 0; trial < 2; trial++) expect(await attempt(ways.openBetter(transport))).toBeInstanceOf(Error);
    // Each begins beside the one before as soon as ever.
    expect([asked, trials]).toEqual([
      ['ws', 'stream', 'ws', 'stream'],
      ['ws', 'stream', 'ws', 'stream'],
    ]);
  });

  test('go back to the better one once the server has answered on it', async () => {
    const { doing, answered, nameOf, ways, asked } = newWorld();
    doing.set('stream', SOON);
    const transport = await answered();
    doing.set('ws', SOON);
    const better = await answered(ways.openBetter(transport));
    asked.length = 0;
    const next = await answered();
    expect([nameOf(better), nameOf(next), asked]).toEqual(['WebSocket', 'WebSocket', ['ws']]);
  });

  test('end in the failure of the best one where none opens', async () => {
    const { doing, attempt } = newWorld();
    doing.set('ws', REFUSED).set('stream', { after: 100, refuses: 404 }).set('poll', { after: 100, refuses: 405 });
    expect(await attempt()).toMatchObject({ status: 400 });
  });

  test.each([401, 429, 503, 511])('are not tried where the server itself says no: %i', async (status) => {
    const { doing, attempt, asked } = newWorld();
    doing.set('ws', { after: 100, refuses: status });
    expect(await attempt()).toMatchObject({ status });
    expect(asked).toEqual(['ws']);
  });

  test('are one where one was asked for', async () => {
    const { doing, attempt, asked, ways } = newWorld('ws');
    doing.set('ws', REFUSED).set('stream', SOON);
    expect(await attempt()).toMatchObject({ status: 400 });
    expect(asked).toEqual(['ws']);
    doing.set('ws', SOON);
    expect(ways.greetingTime((await attempt()) as Transport)).toBe(HANDSHAKE_TIMEOUT);
  });
});

test('A client to which nobody answers tries one way, and several, by turns', async () => {
  const { attempt, asked } = newWorld();
  const tried: string[] = [];
  for (let time = 0; time < 5; time++) {
    await attempt();
    tried.push(asked.splice(0).join());
  }
  expect(tried).toEqual(['ws,stream,poll', 'ws', 'ws,stream,poll', 'ws', 'ws,stream,poll']);
});

describe('a way that opens, and lets nothing through', () => {
  test('is tried last from then on', async () => {
    const { doing, opened, answered, nameOf, ways, asked } = newWorld();
    doing.set('ws', SOON).set('stream', SOON);
    const transport = await opened();
    expect(ways.greetingTime(transport)).toBe(2_000);
    ways.onUnwelcome(transport, SILENT);
    asked.length = 0;
    expect(nameOf(await answered())).toBe('HTTP');
    expect(asked).toEqual(['stream']);
  });

  test('leads others on only once, however many find that out at the same time', async () => {
    const { doing, opened, nameOf, ways } = newWorld();
    doing.set('ws', SOON).set('stream', SOON).set('poll', SOON);
    const transports = await Promise.all(Array.from({ length: 16 }, () => opened()));
    for (const transport of transports) ways.onUnwelcome(transport, SILENT);
    expect(nameOf(await opened())).toBe('HTTP');
  });

  test('has more time the next time where nothing comes by any of them', async () => {
    const { doing, opened, nameOf, ways } = newWorld();
    doing.set('ws', SOON).set('stream', SOON).set('poll', SOON);
    const times: number[] = [];
    for (let attempt = 0; attempt < 12; attempt++) {
      const transport = await opened();
      times.push(ways.greetingTime(transport));
      ways.onUnwelcome(transport, SILENT);
    }
    expect(times).toEqual([2, 2, 2, 4, 4, 4, 5, 5, 5, 5, 5, 5].map((seconds) => seconds * 1_000));
    expect(nameOf(await opened())).toBe('WebSocket');
  });

  test('is not doubted if the server has answered on it', async () => {
    const { doing, answered, opened, nameOf, ways, lines } = newWorld();
    doing.set('ws', SOON).set('stream', SOON);
    await answered();
    const transport = await opened();
    ways.onUnwelcome(transport, SILENT);
    expect([nameOf(await opened()), ways.greetingTime(transport), lines]).toEqual(['WebSocket', HANDSHAKE_TIMEOUT, []]);
  });
});

describe('a way that lets greetings through, and breaks at what follows', () => {
  test('is left when nothing came by it that a session waited for, three times in a row', async () => {
    const { doing, answered, ways, nameOf, lines } = newWorld();
    doing.set('ws', SOON).set('stream', SOON);
    for (const isBarren of [true, true, false, true, true]) ways.onCut(await answered(), 500, isBarren);
    expect(nameOf(await answered())).toBe('WebSocket');
    ways.onUnwelcome(await answered(), CUT);
    expect(nameOf(await answered())).toBe('HTTP');
    expect(lines).toEqual([
      'WebSocket: a way to the server has opened, but nothing came by it',
      'HTTP: chose a way to the server',
    ]);
  });

  test('is tried again after ten minutes, and later each time it does so again', async () => {
    const { doing, answered, ways } = newWorld();
    doing.set('ws', SOON).set('stream', SOON);
    const pauses: number[] = [];
    for (let time = 0; time < 4; time++) {
      for (let cut = 0; cut < 3; cut++) ways.onUnwelcome(await answered(), CUT);
      const transport = await answered();
      pauses.push(Math.round(ways.betterIn(transport) / 60_000));
      await answered(ways.openBetter(transport));
    }
    expect(pauses).toEqual([10, 60, 60, 60]);
  });
});

describe('what was learnt of HTTP', () => {
  test('holds for ten minutes, and the size of pieces for all transports', async () => {
    const { doing, answered, openings, pass } = newWorld('http');
    doing.set('stream', SOON);
    await answered();
    openings[0]?.onLearnt?.({ up: 'pieces' });
    await answered();
    await pass(600_000);
    await answered();
    expect(openings.map(({ up }) => up)).toEqual(['stream', 'pieces', 'stream']);
    const [first, ...others] = openings.map(({ pieceSize }) => pieceSize);
    expect([first?.bytes, others.every((size) => size === first)]).toEqual([16_384, true]);
  });
});

test('A way on which the server turns a session away is one that gets through', async () => {
  const { doing, opened, ways, asked, nameOf } = newWorld();
  doing.set('stream', SOON);
  const transport = await opened();
  ways.onUnwelcome(transport, { code: 1013, reason: 'too many sessions' }, true);
  asked.length = 0;
  expect(nameOf(await opened())).toBe('HTTP');
  expect(asked).toEqual(['stream']);
});

test('A server that takes long to open a transport has as long again, twice, to answer on it', async () => {
  const { doing, opened, ways } = newWorld();
  doing.set('ws', { after: 900 });
  expect(ways.greetingTime(await opened())).toBe(2_000);
  doing.set('ws', { after: 1_900 });
  expect(ways.greetingTime(await opened())).toBe(3_800);
});

describe('a way that is proven', () => {
  test('is alone when it is silent once: the server may have much to do', async () => {
    const { doing, answered, attempt, asked } = newWorld();
    doing.set('ws', SOON).set('stream', SOON);
    await answered();
    asked.length = 0;
    doing.set('ws', 'silent');
    expect(await attempt()).toBeInstanceOf(Error);
    expect(asked).toEqual(['ws']);
  });

  test('has the next one beside it after five seconds when it is silent again', async () => {
    const { doing, answered, attempt, nameOf, clock } = newWorld();
    doing.set('ws', SOON).set('stream', SOON);
    await answered();
    doing.set('ws', 'silent');
    await attempt();
    const began = clock.now();
    expect(nameOf(await answered())).toBe('HTTP');
    expect(clock.now() - began).toBeGreaterThanOrEqual(5_000);
    expect(clock.now() - began).toBeLessThan(6_000);
  });

  test('is left when it was refused three times in a row, and not before', async () => {
    const { doing, answered, attempt, asked, nameOf } = newWorld();
    doing.set('ws', SOON).set('stream', SOON);
    await answered();
    for (const times of [2, 3]) {
      doing.set('ws', REFUSED);
      for (let time = 0; time < times; time++) expect(await attempt()).toMatchObject({ status: 400 });
      asked.length = 0;
      if (times === 2) doing.set('ws', SOON);
      expect(nameOf(await answered())).toBe(times === 2 ? 'WebSocket' : 'HTTP');
      expect(asked).toEqual(times === 2 ? ['ws'] : ['ws', 'stream']);
    }
  });

  test('is not left for that the server is away', async () => {
    const { doing, answered, ways, asked } = newWorld();
    doing.set('ws', SOON).set('stream', SOON);
    await answered();
    asked.length = 0;
    const url = new URL('ws://the-server/');
    const connect = () => Promise.reject(new Error('connection refused'));
    for (let time = 0; time < 5; time++)
      await expect(
        ways.open({ url, headers: {}, memory: newMemory(), connect }, new AbortController().signal),
      ).rejects.toThrow('connection refused');
    await answered();
    expect(new Set(asked)).toEqual(new Set(['ws']));
  });
});

describe('a WebSocket over HTTP/2', () => {
  const secure = new URL('wss://the-server/');

  test('carries where WebSockets and HTTP are refused', async () => {
    const { doing, answered, nameOf, asked } = newWorld('auto', secure);
    doing.set('ws', REFUSED).set('stream', REFUSED).set('h2', SOON);
    expect(nameOf(await answered())).toBe('WebSocket over HTTP/2');
    expect(asked).toEqual(['ws', 'stream', 'h2']);
  });

  test('is not asked where HTTP carries', async () => {
    const { doing, answered, nameOf, asked } = newWorld('auto', secure);
    doing.set('ws', REFUSED).set('h2', SOON).set('stream', SOON);
    expect(nameOf(await answered())).toBe('HTTP');
    expect(asked).toEqual(['ws', 'stream']);
  });

  test('holds up by half a second those who need polling where all else is silent', async () => {
    const { doing, answered, nameOf, asked, clock } = newWorld('auto', secure);
    doing.set('poll', SOON);
    const began = clock.now();
    expect(nameOf(await answered())).toBe('HTTP polling');
    expect(asked).toEqual(['ws', 'stream', 'h2', 'poll']);
    expect(clock.now() - began).toBeGreaterThanOrEqual(2_500);
    expect(clock.now() - began).toBeLessThan(3_000);
  });

  test('holds up nobody where the server does not speak it', async () => {
    const { doing, answered, nameOf, asked, clock } = newWorld('auto', secure);
    doing.set('ws', REFUSED).set('stream', REFUSED).set('h2', { after: 0, refuses: 400 }).set('poll', SOON);
    const began = clock.now();
    expect(nameOf(await answered())).toBe('HTTP polling');
    expect(asked).toEqual(['ws', 'stream', 'h2', 'poll']);
    expect(clock.now() - began).toBeLessThan(600);
  });

  test('is not tried where there is no TLS', async () => {
    const { doing, answered, asked } = newWorld();
    doing.set('ws', REFUSED).set('h2', SOON).set('stream', SOON);
    await answered();
    expect(asked).toEqual(['ws', 'stream']);
  });

  test.each([
    ['a way among others fails with nothing to choose where the server has it no more', 'auto', Error],
    ['the way that was chosen fails as one that the server does not have', 'h2', NoHttp2Error],
  ] as const)('as %s', async (_, choice, kind) => {
    const { doing, answered, attempt } = newWorld(choice, secure);
    doing.set('ws', REFUSED).set('stream', REFUSED).set('h2', SOON).set('poll', REFUSED);
    await answered();
    doing.set('h2', { after: 100, refuses: new NoHttp2Error('no HTTP/2') });
    const failure = (await attempt()) as Error;
    expect([failure.constructor, failure.message]).toEqual([kind, 'no HTTP/2']);
  });

  test('is the only way when it is the one that is chosen', async () => {
    const { attempt, asked } = newWorld('h2', secure);
    expect(await attempt()).toBeInstanceOf(Error);
    expect(asked).toEqual(['h2']);
  });
});
