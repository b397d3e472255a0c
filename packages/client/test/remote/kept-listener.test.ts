import { beforeEach, describe, expect, test } from 'vitest';
import type { FailureCode, Logger } from 'wsproxy-engine';
import { FakeClock } from 'wsproxy-engine/testing';
import { Dice } from 'wsproxy-test-support/dice';
import { KeptListener } from '../../src/remote/kept-listener.js';
import type { ListenWish } from '../../src/remote/listen-wish.js';
import { reasonOf } from '../../src/remote/refusal-words.js';
import { FakeHomes } from './fake-homes.js';

const WISH: ListenWish = { kind: 'tcp', bind: '', port: 8_000, backlog: 0, name: 'mine', text: 'localhost:8000' };

let clock: FakeClock;
let homes: FakeHomes;
/** What was told, each time that something had changed. */
let told: string[];
let lines: string[];

beforeEach(() => {
  clock = new FakeClock();
  homes = new FakeHomes();
  told = [];
  lines = [];
});

function keep(wish: Partial<ListenWish> = {}): KeptListener {
  const log = (level: string) => (fields: object, message: string) =>
    void lines.push(`${level} ${message} ${Object.values(fields).slice(1).join(' ')}`);
  const logger: Logger = { debug: () => {}, info: log('info'), warn: log('warn'), error: log('error') };
  const listener: KeptListener = new KeptListener(
    homes,
    { ...WISH, ...wish },
    {
      onChange: () =>
        told.push(
          [listener.state, listener.failure, listener.address?.port].filter((it) => it !== undefined).join(' '),
        ),
      onChannel() {},
      onFlow() {},
    },
    { clock, logger, random: () => 1 },
  );
  listener.start();
  return listener;
}

describe('a remote listener', () => {
  test('is asked for as soon as there is a session, once, to take over what has its name', () => {
    const listener = keep({ backlog: 7 });
    expect(listener.state).toBe('asking');
    const home = homes.begin();
    homes.blink(home);
    const request = { kind: 'tcp', bind: '', port: 8_000, backlog: 7, name: 'mine', takesOver: true, anyPort: false };
    expect(home.listeners.map((one) => one.request)).toEqual([request]);
    home.last.accept();
    expect([listener.state, listener.server, listener.address?.port]).toEqual(['listening', 'wss://first/', 8_000]);
    expect(told).toEqual(['listening 8000']);
  });

  test('stays where it is while its session lives, and is asked for again in the next one', () => {
    keep();
    const first = homes.begin();
    first.last.accept();
    homes.blink(first);
    expect(first.listeners.length).toBe(1);
    homes.end(first);
    expect(told.at(-1)).toBe('asking');
    const next = homes.begin();
    expect(next.last.request).toMatchObject({ takesOver: true, port: 8_000 });
    next.last.accept();
    expect(told).toEqual(['listening 8000', 'asking', 'listening 8000']);
  });

  test('that may have any port is asked for with the one that it got, or any if that is taken', () => {
    keep({ port: 0 });
    const first = homes.begin();
    expect(first.last.request).toMatchObject({ port: 0, anyPort: false });
    first.last.accept({ host: '127.0.0.1', port: 40_001 });
    homes.end(first);
    const next = homes.begin();
    expect(next.last.request).toMatchObject({ port: 40_001, anyPort: true });
    next.last.accept({ host: '127.0.0.1', port: 40_002 });
    homes.end(next);
    expect(homes.begin().last.request).toMatchObject({ port: 40_002, anyPort: true });
    expect(told).toEqual(['listening 40001', 'asking', 'listening 40002', 'asking']);
  });

  test.each([
    ['tcp', '::1', { host: '::1', port: 9 }],
    ['tcp', '\u001b[31m', { host: '', port: 9 }],
    ['unix', '/etc/passwd', { host: '/run/mine', port: 0 }],
    ['http', '<script>', { host: '/run/mine', port: 0 }],
  ] as const)('of %s shows nothing of %j that is no address', (kind, host, address) => {
    const listener = keep({ kind, bind: kind === 'tcp' ? '' : '/run/mine', port: 0 });
    homes.begin().last.accept({ host, port: 9 });
    expect(listener.address).toEqual(address);
  });

  test('that is closed is given up at the server, and is asked for no more', () => {
    const listener = keep();
    const home = homes.begin();
    home.last.accept();
    listener.close();
    listener.close();
    expect([home.last.isClosed, home.holds, homes.watched]).toEqual([true, 0, false]);
    homes.begin();
    clock.advance(100_000);
    expect(told).toEqual(['listening 8000', 'closed']);
  });
});

describe('a remote listener whose session is about to end, or whose slot has another server,', () => {
  test('listens there before it is given up here', () => {
    const listener = keep();
    const old = homes.begin();
    old.last.accept();
    const next = homes.begin({ name: 'wss://second/' });
    expect([old.last.isClosed, old.holds, next.holds]).toEqual([false, 1, 1]);
    expect(listener.server).toBe('wss://first/');
    next.last.accept();
    expect([old.last.hasEnded, old.holds, next.holds]).toEqual([true, 0, 1]);
    expect(listener.server).toBe('wss://second/');
  });

  test('is its own when the server tells the old session ahead of the new one that it was taken over', () => {
    keep();
    const old = homes.begin();
    old.last.accept();
    const next = homes.begin();
    old.last.die('TAKEN_OVER');
    next.last.accept();
    expect(told).toEqual(['listening 8000', 'listening 8000']);
    expect(next.listeners.length).toBe(1);
    expect(old.holds).toBe(0);
  });

  test('goes on listening here when it is refused there, until this ends', () => {
    const listener = keep();
    const old = homes.begin();
    old.last.accept();
    const next = homes.begin({ name: 'wss://second/' });
    next.last.die('DENIED');
    expect([listener.state, old.last.isClosed, old.holds]).toEqual(['listening', false, 1]);
    homes.end(old);
    expect(told).toEqual(['listening 8000', 'refused DENIED']);
  });

  test('gives the address up where another process of the same server has it', () => {
    keep();
    const server = { name: 'wss://first/' };
    const old = homes.begin(server);
    old.last.accept();
    const next = homes.begin(server);
    next.last.die('ADDRESS_IN_USE');
    expect([old.last.isClosed, old.holds]).toEqual([true, 0]);
    clock.advance(200);
    next.last.accept();
    expect(told).toEqual(['listening 8000', 'refused ADDRESS_IN_USE', 'listening 8000']);
  });

  test('keeps a port that was chosen, if another process of the same server has it for a moment only', () => {
    keep({ port: 0 });
    const server = { name: 'wss://first/' };
    homes.begin(server).last.accept({ host: '127.0.0.1', port: 40_001 });
    const next = homes.begin(server);
    for (let n = 0; n < 6; n++) {
      next.last.die('ADDRESS_IN_USE');
      clock.advance(10_000);
    }
    expect(next.listeners.map(({ request }) => [request.port, request.anyPort])).toEqual([
      ...Array(4).fill([40_001, false]),
      ...Array(3).fill([40_001, true]),
    ]);
  });

  test('and which is asked for in one session after the other before any answers lives in the last one alone', () => {
    keep();
    const first = homes.begin();
    first.last.accept();
    const second = homes.begin();
    const third = homes.begin();
    third.last.accept();
    expect([first, second, third].map(({ last, holds }) => [last.isClosed, holds])).toEqual([
      [true, 0],
      [true, 0],
      [false, 1],
    ]);
  });
});

describe('a remote listener that another client of the same name takes over', () => {
  test('stands by: it asks again without taking over, in the next session too, until it has it', () => {
    const listener = keep();
    const home = homes.begin();
    home.last.accept();
    home.last.die('TAKEN_OVER');
    expect(listener.state).toBe('standby');
    clock.advance(200);
    expect(home.listeners.map(({ request }) => request.takesOver)).toEqual([true, false]);
    clock.advance(1_000_000);
    expect(home.listeners.length).toBe(2);
    homes.end(home);
    expect(listener.state).toBe('standby');
    const next = homes.begin();
    expect(next.last.request.takesOver).toBe(false);
    next.last.accept();
    expect(told).toEqual(['listening 8000', 'standby TAKEN_OVER', 'listening 8000']);
    homes.end(next);
    expect(homes.begin().last.request.takesOver).toBe(true);
  });
});

describe('a remote listener that is refused', () => {
  test.each<FailureCode>(['DENIED', 'LIMIT_REACHED', 'ADDRESS_IN_USE', 'BAD_TARGET', 'INTERNAL'])(
    'with %s is asked for again after pauses that grow, and at once in the next session',
    (code) => {
      const listener = keep();
      const home = homes.begin();
      const pauses: number[] = [];
      for (let n = 0; n < 12; n++) {
        home.last.die(code);
        expect(listener.state).toBe('refused');
        const asked = home.listeners.length;
        const since = clock.now();
        while (home.listeners.length === asked) clock.advance(100);
        pauses.push(clock.now() - since);
      }
      expect(pauses).toEqual([...pauses].sort((a, b) => a - b));
      expect([pauses[0], pauses.at(-1)]).toEqual([200, 30_000]);
      home.last.die(code);
      homes.end(home);
      homes.begin().last.accept();
      expect(told).toEqual([`refused ${code}`, 'listening 8000']);
    },
  );

  test('since the server knows of none is asked for once in each session', () => {
    keep();
    const first = homes.begin();
    first.last.die('UNSUPPORTED');
    clock.advance(1_000_000);
    homes.blink(first);
    expect(first.listeners.length).toBe(1);
    homes.end(first);
    const second = homes.begin();
    second.last.die('UNSUPPORTED');
    homes.end(second);
    homes.begin().last.accept();
    expect(told).toEqual(['refused UNSUPPORTED', 'listening 8000']);
    expect(lines.filter((line) => line.startsWith('warn')).length).toBe(1);
  });

  test.each<FailureCode>(['DENIED', 'TAKEN_OVER'])(
    'with %s again and again behind a yes is not asked for in a tight loop',
    (code) => {
      keep();
      const home = homes.begin();
      for (let second = 0; second < 300; second++) {
        home.last.accept();
        clock.advance(100);
        home.last.die(code);
        clock.advance(900);
      }
      expect(home.listeners.length).toBeLessThan(40);
    },
  );

  test('by a server that is about to stop waits for the next session', () => {
    keep();
    const home = homes.begin();
    home.last.die('GOING_AWAY');
    homes.begin().last.accept();
    expect(told).toEqual(['listening 8000']);
    expect(lines).toEqual(['info the server listens 127.0.0.1:8000 wss://first/']);
  });

  test.each(['SESSION_LOST', 'CANCELLED', 'TUNNEL_DOWN'] as const)(
    'by %s in a session that goes on is asked for there again',
    (code) => {
      keep();
      const home = homes.begin();
      home.last.accept();
      home.last.die(code);
      clock.advance(200);
      home.last.accept();
      expect(told).toEqual(['listening 8000', 'asking', 'listening 8000']);
    },
  );

  test('though it had listened, since the rights of its user have changed, is asked for again', () => {
    keep();
    const home = homes.begin();
    home.last.accept();
    home.last.die('DENIED');
    clock.advance(200);
    home.last.accept();
    expect(told).toEqual(['listening 8000', 'refused DENIED', 'listening 8000']);
  });
});

test('one line says where it listens, and one when that changes', () => {
  keep({ port: 0 });
  for (const port of [8_001, 8_001, 8_002]) {
    const home = homes.begin();
    home.last.accept({ host: '::1', port });
    homes.end(home);
  }
  homes.begin().last.die('DENIED');
  expect(lines).toEqual([
    'info the server listens [::1]:8001 wss://first/',
    'info the server listens [::1]:8002 wss://first/',
    `warn the server does not listen ${reasonOf('DENIED')} wss://first/`,
  ]);
});

describe('no matter what servers and sessions do', () => {
  test.each(seeds(200))('it is in one session at most, and held there alone (seed %d)', (seed) => {
    const dice = new Dice(`${seed}`);
    const random = (): number => dice.between(0, 1_000) / 1_000;
    const listener = keep({ port: random() < 0.5 ? 0 : 8_000 });
    const all = [homes.begin()];
    for (let step = 0; step < 60; step++) {
      const home = all[Math.floor(random() * all.length)];
      const last = home?.listeners.at(-1);
      const what = random();
      if (what < 0.15) all.push(homes.begin({ name: `wss://${Math.floor(random() * 2)}/` }));
      else if (what < 0.25 && home !== undefined) homes.end(home);
      else if (what < 0.35) clock.advance(random() * 40_000);
      else if (what < 0.7 && last?.state.dead === false && last.state.opening === 'requested') {
        last.accept({ host: '::1', port: 9_000 });
      } else if (what < 0.95) last?.die(CODES[Math.floor(random() * CODES.length)] ?? 'INTERNAL');
      const living = all.flatMap(({ listeners }) => listeners).filter(({ state }) => !state.dead);
      const listening = living.filter(({ state }) => state.opening === 'open');
      expect(living.length).toBeLessThanOrEqual(2);
      // Between two of its own sessions the server has it already.
      if (listening.length > 0) expect(listener.state).toBe('listening');
      else if (listener.state === 'listening') expect(living.length).toBe(1);
      expect(listening.length).toBeLessThanOrEqual(1);
      expect(all.reduce((sum, { holds }) => sum + holds, 0)).toBe(living.length);
      expect(listener.address !== undefined).toBe(listener.state === 'listening');
    }
    // Where nothing hinders it, it listens in the end.
    const home = homes.begin();
    for (let n = 0; n < 3 && listener.state !== 'listening'; n++) {
      home.listeners.at(-1)?.accept({ host: '::1', port: 9_000 });
      clock.advance(60_000);
    }
    expect(listener.state).toBe('listening');
    listener.close();
    expect(all.concat(home).every(({ holds, listeners }) => holds === 0 && listeners.every((l) => l.state.dead))).toBe(
      true,
    );
  });
});

const CODES: readonly FailureCode[] = ['TAKEN_OVER', 'DENIED', 'ADDRESS_IN_USE', 'UNSUPPORTED', 'GOING_AWAY'];

function seeds(count: number): number[] {
  return Array.from({ length: count }, (_, n) => n + 1);
}
