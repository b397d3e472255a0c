import { describe, expect, test } from 'vitest';
import { CloseCode, ProtocolError } from 'wsproxy-engine';
import { bytesOf, textOf } from 'wsproxy-test-support/engine/bytes';
import type { Recorder } from 'wsproxy-test-support/engine/recorder';
import { settled } from 'wsproxy-test-support/engine/settled';
import { ConnectError } from '../../src/connector/connect-error.js';
import { GRACE, UplinkFixture } from './uplink-fixture.js';

describe('an uplink that connects', () => {
  test('waiting -> connecting -> online, once the server has answered', async () => {
    const fixture = new UplinkFixture();
    fixture.uplink.connect();
    expect(fixture.transitions).toBe('waiting -> connecting');
    await fixture.network.settle();
    expect(fixture.transitions).toBe('waiting -> connecting -> online');
    expect(fixture.network.attempts).toBe(1);
  });

  test('connecting -> waiting -> connecting, again and again, while the server cannot be reached', async () => {
    const fixture = new UplinkFixture();
    fixture.network.route = new ConnectError('unreachable', false);
    fixture.uplink.connect();
    await fixture.network.settle();
    expect(fixture.transitions).toBe('waiting -> connecting -> waiting');
    await fixture.network.pass(120_000);
    expect(fixture.network.attempts).toBeGreaterThan(8);
    expect(fixture.network.attempts).toBeLessThan(20);
    expect(fixture.events).toEqual([]);
    fixture.network.route = 'open';
    await fixture.network.pass(30_000);
    expect(fixture.uplink.state).toBe('online');
  });

  test('connecting -> waiting after 5 s, when the server does not answer the greeting', async () => {
    const fixture = new UplinkFixture();
    fixture.network.mute = true;
    fixture.uplink.connect();
    await fixture.network.pass(4_900);
    expect(fixture.uplink.state).toBe('connecting');
    await fixture.network.pass(100);
    expect(fixture.uplink.state).toBe('waiting');
    expect(fixture.network.connection.near.isOpen).toBe(false);
    fixture.network.mute = false;
    await fixture.network.pass(1_000);
    expect(fixture.uplink.state).toBe('online');
  });

  test('does not try again before the server said that it may', async () => {
    const fixture = new UplinkFixture();
    fixture.network.route = new ConnectError('too many requests', false, { retryAfter: 60_000 });
    fixture.uplink.connect();
    await fixture.network.pass(59_000);
    expect(fixture.network.attempts).toBe(1);
    await fixture.network.pass(2_000);
    expect(fixture.network.attempts).toBe(2);
  });

  test('says so when trying again is of no use, and tries again nevertheless', async () => {
    const fixture = new UplinkFixture();
    fixture.network.route = new ConnectError('wrong token', true);
    fixture.uplink.connect();
    await fixture.network.settle();
    expect(fixture.events).toEqual(['refused: wrong token']);
    fixture.network.route = 'open';
    await fixture.network.pass(1_000);
    expect(fixture.uplink.state).toBe('online');
  });

  test('says the same of a server that does not support the version', async () => {
    const fixture = new UplinkFixture();
    fixture.network.refusal = new ProtocolError('only version 2', CloseCode.unsupportedVersion);
    fixture.uplink.connect();
    await fixture.network.settle();
    expect(fixture.events).toEqual(['refused: only version 2', 'ended']);
  });

  test('begins the session by HELLO again after a server that was draining, and loses nothing', async () => {
    const fixture = new UplinkFixture();
    fixture.network.refusal = new ProtocolError('draining', CloseCode.serviceRestart);
    fixture.uplink.connect();
    const near = fixture.open();
    near.channel.write(bytesOf('early'));
    await fixture.network.pass(300);
    expect(fixture.network.sessions.size).toBe(0);
    fixture.network.refusal = undefined;
    await fixture.network.pass(2_000);
    expect(near.events).toEqual(['open']);
    expect(fixture.network.far.map(({ bytes }) => textOf(bytes))).toEqual(['early']);
    expect(fixture.events).toEqual(['turned away', 'turned away']);
  });
});

describe('an uplink whose HELLO is answered by a close code that may be of a proxy', () => {
  const early = async (text = 'early'): Promise<{ fixture: UplinkFixture; near: Recorder }> => {
    const fixture = new UplinkFixture();
    fixture.uplink.connect();
    const near = fixture.open();
    near.channel.write(bytesOf(text));
    await settled();
    fixture.network.clock.runDeferred();
    return { fixture, near };
  };

  test.each([1001, 1012, 1013])('resumes after %i what the server has begun, and dials once', async (code) => {
    const { fixture, near } = await early();
    fixture.network.connection.near.deliver();
    fixture.lose(code);
    await fixture.network.pass(2_000);
    expect([near.events, fixture.network.far.length, fixture.network.sessions.size]).toEqual([['open'], 1, 1]);
    expect(fixture.network.far[0]?.text).toBe('early');
  });

  test.each([1000, 1001, 1006, 1012, 1013, 4999])(
    'begins after %i what the server has never heard of, while only OPEN was said',
    async (code) => {
      const { fixture, near } = await early('');
      fixture.lose(code);
      await fixture.network.pass(2_000);
      expect([near.events, fixture.network.far.length, fixture.network.sessions.size]).toEqual([['open'], 1, 1]);
    },
  );

  test.each([1000, 1001, 1006, 1012, 1013])(
    'lets nothing run twice after %i, should another server have begun it',
    async (code) => {
      const { fixture, near } = await early();
      fixture.network.connection.near.deliver();
      expect(fixture.network.far[0]?.text).toBe('early');
      fixture.network.forget();
      fixture.lose(code);
      await fixture.network.pass(2_000);
      expect([near.events, fixture.network.far.length]).toEqual([['fail SESSION_LOST'], 1]);
    },
  );

  test('never says again what a server may have read, when nobody said that it has not', async () => {
    const { fixture, near } = await early();
    fixture.lose(1006);
    await fixture.network.pass(2_000);
    expect([near.events, fixture.network.far.length]).toEqual([['fail SESSION_LOST'], 0]);
  });
});

describe('an uplink that loses its transport', () => {
  test.each([1000, 1001, 1006, 1009, 1011, 1012, 3000, 4000])(
    'online -> waiting -> connecting -> online, by resuming, after close code %i',
    async (code) => {
      const fixture = await UplinkFixture.online();
      const near = fixture.open();
      await fixture.network.settle();
      fixture.lose(code);
      expect(fixture.transitions).toBe('waiting -> connecting -> online -> waiting');
      near.channel.write(bytesOf('meanwhile'));
      await fixture.network.pass(200);
      expect(fixture.transitions).toBe('waiting -> connecting -> online -> waiting -> connecting -> online');
      expect(fixture.network.far[0]?.text).toBe('meanwhile');
      expect([near.events, fixture.events, fixture.resumes]).toEqual([['open'], [], 1]);
    },
  );

  test('comes back at once every time, when each connection lives longer than the pause before it', async () => {
    const fixture = await UplinkFixture.online();
    const near = fixture.open();
    for (let n = 0; n < 30; n++) {
      await fixture.network.pass(300);
      expect(fixture.uplink.state).toBe('online');
      fixture.lose();
    }
    await fixture.network.pass(200);
    expect(near.events).toEqual(['open']);
  });

  test('comes back ever more slowly, when each connection is cut at once', async () => {
    const fixture = await UplinkFixture.online();
    for (let n = 0; n < 20; n++) {
      fixture.lose();
      await fixture.network.pass(100);
      while (fixture.uplink.state !== 'online') await fixture.network.pass(100);
    }
    const before = fixture.network.attempts;
    fixture.lose();
    await fixture.network.pass(10_000);
    expect(fixture.network.attempts).toBe(before);
  });

  test('resets every channel exactly once when its grace is over, and ends', async () => {
    const fixture = await UplinkFixture.online();
    const channels = [fixture.open(), fixture.open()];
    await fixture.network.settle();
    fixture.network.route = new ConnectError('unreachable', false);
    fixture.lose();
    await fixture.network.pass(GRACE - 100);
    expect(channels.map(({ events }) => events)).toEqual([['open'], ['open']]);
    await fixture.network.pass(100);
    expect(channels.map(({ events }) => events)).toEqual([
      ['open', 'reset SESSION_LOST'],
      ['open', 'reset SESSION_LOST'],
    ]);
    expect([fixture.uplink.state, fixture.events]).toEqual(['closed', ['ended']]);
    await fixture.network.pass(GRACE);
    expect(channels.map(({ events }) => events.length)).toEqual([2, 2]);
    expect(fixture.network.clock.pending).toBe(0);
  });

  test('counts its grace from the first loss, also when transports come that are lost before the answer', async () => {
    const fixture = await UplinkFixture.online();
    fixture.network.mute = true;
    fixture.lose();
    await fixture.network.pass(GRACE - 100);
    expect(fixture.uplink.state).not.toBe('closed');
    await fixture.network.pass(100);
    expect(fixture.uplink.state).toBe('closed');
  });

  test('waits no longer than the grace that the server has granted', async () => {
    const fixture = new UplinkFixture();
    fixture.network.grace = 2_000;
    fixture.uplink.connect();
    await fixture.network.settle();
    const near = fixture.open();
    await fixture.network.settle();
    fixture.network.route = new ConnectError('unreachable', false);
    fixture.lose();
    await fixture.network.pass(1_900);
    expect(near.events).toEqual(['open']);
    await fixture.network.pass(100);
    expect(near.events).toEqual(['open', 'reset SESSION_LOST']);
  });
});

describe('an uplink whose session is over', () => {
  test.each([
    ['unknown', CloseCode.sessionUnknown],
    ['expired', CloseCode.sessionExpired],
    ['superseded', CloseCode.superseded],
    ['no protocol error', CloseCode.protocolError],
    ['textless', CloseCode.textMessage],
  ])('online -> closed, without another try, when the server calls it %s', async (_word, code) => {
    const fixture = await UplinkFixture.online();
    const near = fixture.open();
    await fixture.network.settle();
    fixture.lose(code);
    expect(fixture.transitions).toBe('waiting -> connecting -> online -> closed');
    expect(near.events).toEqual(['open', 'reset SESSION_LOST']);
    await fixture.network.pass(GRACE);
    expect([fixture.network.attempts, fixture.events]).toEqual([1, ['ended']]);
    expect(fixture.network.clock.pending).toBe(0);
  });

  test('tells in the log whether the server did not know it or had let it expire', async () => {
    for (const [code, reason] of [
      [CloseCode.sessionUnknown, 'unknown session'],
      [CloseCode.sessionExpired, 'the session has expired'],
    ] as const) {
      const fixture = await UplinkFixture.online();
      fixture.lose(code, reason);
      expect(fixture.network.logged('session ended')).toEqual([{ reason: `${reason} (${code})` }]);
    }
  });

  test('warns of a server that cannot be reached, and not of a connection that is lost and comes again', async () => {
    const fixture = await UplinkFixture.online();
    const levels = () =>
      fixture.network.lines
        .filter(({ message }) => message === 'not connected to the server')
        .map(({ level }) => level);
    fixture.lose();
    await fixture.network.pass(200);
    expect([fixture.uplink.state, levels()]).toEqual(['online', ['info']]);
    fixture.network.route = new ConnectError('refused', false);
    fixture.lose();
    await fixture.network.pass(1_000);
    expect(levels().slice(0, 3)).toEqual(['info', 'info', 'warn']);
  });

  test('lives on when the server had no time to wait for its RESUME', async () => {
    const fixture = await UplinkFixture.online();
    const near = fixture.open();
    await fixture.network.settle();
    fixture.network.mute = true;
    fixture.lose();
    await fixture.network.passUntil(() => fixture.network.connections.length === 2);
    fixture.network.mute = false;
    fixture.lose(CloseCode.late, 'no HELLO or RESUME in time');
    await fixture.network.pass(1_000);
    expect([fixture.uplink.state, near.events, fixture.resumes]).toEqual(['online', ['open'], 1]);
  });

  test('begins again, with all that was sent, when the server had no time to wait for its HELLO', async () => {
    const fixture = new UplinkFixture();
    fixture.network.mute = true;
    const near = fixture.open();
    near.channel.write(bytesOf('early'));
    await fixture.network.settle();
    fixture.network.mute = false;
    fixture.lose(CloseCode.late, 'no HELLO or RESUME in time');
    await fixture.network.pass(1_000);
    expect([fixture.uplink.state, near.events]).toEqual(['online', ['open']]);
    expect(fixture.network.far.map(({ text }) => text)).toEqual(['early']);
  });

  test('names its session as the server does', async () => {
    const fixture = await UplinkFixture.online();
    const [id] = fixture.network.sessions.keys();
    expect(fixture.network.logged('connected to the server')).toEqual([{ session: id?.slice(0, 8), channels: 0 }]);
  });

  test('finds that out when it resumes with a server that was started again', async () => {
    const fixture = await UplinkFixture.online();
    const near = fixture.open();
    await fixture.network.settle();
    fixture.network.forget();
    fixture.lose();
    await fixture.network.pass(200);
    expect(near.events).toEqual(['open', 'reset SESSION_LOST']);
    expect(fixture.network.logged('session ended')).toEqual([{ reason: 'unknown session (4006)' }]);
  });

  test('online -> closed when the server leaves for good', async () => {
    const fixture = await UplinkFixture.online();
    const near = fixture.open();
    await fixture.network.settle();
    fixture.network.session.leave('stopping');
    await fixture.network.settle();
    expect([fixture.uplink.state, fixture.events]).toEqual(['closed', ['ended']]);
    expect(near.events).toEqual(['open', 'reset SESSION_LOST']);
  });
});

describe('an uplink that is closed', () => {
  test.each<[state: string, prepare: (fixture: UplinkFixture) => Promise<void>]>([
    ['online', async () => {}],
    [
      'waiting',
      async (fixture) => {
        fixture.network.route = new ConnectError('unreachable', false);
        fixture.lose();
      },
    ],
    [
      'connecting',
      async (fixture) => {
        fixture.network.route = 'hanging';
        fixture.lose();
        await fixture.network.pass(300);
      },
    ],
    [
      'connecting',
      async (fixture) => {
        fixture.network.mute = true;
        fixture.lose();
        await fixture.network.pass(300);
      },
    ],
    [
      'online',
      async (fixture) => {
        fixture.network.route = 'hanging';
        fixture.network.connection.silent = true;
        await fixture.network.pass(30_000);
      },
    ],
  ])('%s -> closed: resets its channels once, and leaves no dial and no timer', async (state, prepare) => {
    const fixture = await UplinkFixture.online();
    const near = fixture.open();
    await fixture.network.settle();
    await prepare(fixture);
    const waiting = fixture.open();
    expect(fixture.uplink.state).toBe(state);

    fixture.uplink.close('for the test');
    fixture.uplink.close('twice');
    await fixture.network.settle();
    expect(near.events).toEqual(['open', 'reset SESSION_LOST']);
    expect(waiting.events).toEqual(['fail SESSION_LOST']);
    expect([fixture.uplink.state, fixture.network.hanging.size]).toEqual(['closed', 0]);
    for (const { near } of fixture.network.connections) expect(near.isOpen).toBe(false);
    for (const { session } of fixture.network.sessions.values()) session.close('cleared away', 1000);
    expect(fixture.network.clock.pending).toBe(0);
    expect(fixture.events).toEqual([]);
  });

  test('tells the server, which ends the session at once', async () => {
    const fixture = await UplinkFixture.online();
    fixture.uplink.close('for the test');
    await fixture.network.settle();
    expect(fixture.network.endings).toEqual(['the peer has left']);
  });

  test('drops a connection that arrives too late', async () => {
    const fixture = new UplinkFixture();
    fixture.uplink.connect();
    fixture.uplink.close('for the test');
    await fixture.network.settle();
    expect(fixture.network.connection.near.isOpen).toBe(false);
    expect(fixture.path).toEqual(['waiting', 'connecting', 'closed']);
  });

  test('fails what is opened afterwards', async () => {
    const fixture = await UplinkFixture.online();
    fixture.uplink.close('for the test');
    const near = fixture.open();
    await fixture.network.settle();
    expect(near.events).toEqual(['fail SESSION_LOST']);
    expect(fixture.network.clock.pending).toBe(0);
  });
});
