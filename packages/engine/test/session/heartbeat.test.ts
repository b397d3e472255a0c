import { describe, expect, test } from 'vitest';
import { bytesOf } from 'wsproxy-test-support/engine/bytes';
import { ack, data, open, openOk, ping, pong, resume } from 'wsproxy-test-support/engine/frames';
import { encodePlain, type PlainFrame } from 'wsproxy-test-support/engine/oracle-codec';
import type { RawPeer } from 'wsproxy-test-support/engine/raw-peer';
import { Recorder } from 'wsproxy-test-support/engine/recorder';
import { zeros } from '../../src/bytes.js';
import { FrameType } from '../../src/frame/frame.js';
import type { SessionFigures } from '../../src/session/session-figures.js';
import type { FakeClock } from '../../src/testing/fake-clock.js';
import { RawClient, RawServer } from './raw-session.js';
import { SessionPair } from './session-pair.js';
import { SlowPath } from './slow-path.js';

/** When the process has stood still, timers run first, then the input that waited is read, then what they put off runs. */
function readBeforeJudging(clock: FakeClock, read: () => void): void {
  const setTimer = clock.setTimer.bind(clock);
  clock.setTimer = (callback, delay) => {
    if (delay > 0) return setTimer(callback, delay);
    return setTimer(() => {
      read();
      callback();
    }, 0);
  };
}

const pings = (peer: RawPeer): number => peer.settle().heard(FrameType.ping).length;

/** To the last PING. */
const answerOf = (peer: RawPeer): PlainFrame => {
  const { payload = zeros(8) } = peer.settle().heard(FrameType.ping).at(-1) ?? {};
  return { ...pong(0), payload };
};

describe('PING', () => {
  test('is said after 15 s without anything sent, and every 15 s from then on', () => {
    const client = new RawClient();
    const peer = client.greeted();
    const before = pings(peer);
    client.clock.advance(14_999);
    expect(pings(peer)).toBe(before);
    client.clock.advance(1);
    expect(pings(peer)).toBe(before + 1);
    peer.say(ping(1));
    client.clock.advance(14_999);
    expect(pings(peer)).toBe(before + 1);
    client.clock.advance(1);
    expect(pings(peer)).toBe(before + 2);
  });

  test('is put off by anything else that is sent', () => {
    const client = new RawClient();
    const peer = client.greeted().say(open(1));
    client.keeper.offered[0]?.accept();
    const before = pings(peer);
    for (let n = 0; n < 5; n++) {
      client.clock.advance(10_000);
      client.keeper.offered[0]?.write(bytesOf('x'));
      peer.say(ack(n + 1));
    }
    expect(pings(peer)).toBe(before);
  });

  test('is answered with its own payload', () => {
    const client = new RawClient();
    expect(
      client
        .greeted()
        .say(ping(2n ** 64n - 1n))
        .heard(FrameType.pong),
    ).toEqual([pong(2n ** 64n - 1n)]);
  });

  test('is answered behind the credit that is due: anyone who has the answer has that', () => {
    const client = new RawClient();
    const peer = client.greeted().say(open(1));
    for (const channel of client.keeper.offered) {
      channel.accept();
      new Recorder().take(channel);
    }
    const before = peer.settle().frames.length;
    peer.say(data(1, zeros(60_000)), data(1, zeros(60_000)), ping(1));
    const told = peer.frames.slice(before).map(({ type }) => type);
    expect(told.filter((type) => type === FrameType.window || type === FrameType.pong)).toEqual([
      FrameType.window,
      FrameType.pong,
    ]);
  });

  test('is said once a second at most, however often channels ask', () => {
    const client = new RawClient();
    const peer = client.greeted().say(open(1), open(3));
    peer.say(answerOf(peer));
    const before = pings(peer);
    const ask = (times: number): number => {
      for (let i = 0; i < times; i += 1) {
        for (const channel of client.keeper.offered) channel.ask();
        peer.say(answerOf(peer));
        client.clock.advance(100);
      }
      return pings(peer) - before;
    };
    expect([ask(10), ask(10), ask(10)]).toEqual([0, 1, 2]);
  });

  test('is not answered each time to a peer that does not read, and then with the newest', () => {
    const client = new RawClient();
    const peer = client.greeted();
    for (let n = 0; n < 20_000; n++) peer.sayUnread(ping(n));
    expect(peer.transport.backlog).toBeGreaterThan(250_000);
    expect(peer.transport.backlog).toBeLessThan(300_000);
    expect(peer.settle().heard(FrameType.pong).at(-1)).toEqual(pong(19_999));
  });

  test('keeps an idle session alive for ever', () => {
    const pair = new SessionPair().connect().settle();
    for (let seconds = 0; seconds < 3_600; seconds += 1) {
      pair.clock.advance(1_000);
      pair.settle();
    }
    expect(pair.log.losses).toEqual([]);
    expect(pair.keeper.log.losses).toEqual([]);
  });
});

describe('a heartbeat of its own', () => {
  const heard = ([client, server]: SessionPair['ends']): string[] => {
    const types: string[] = [];
    for (const [name, end] of [
      ['client', client],
      ['server', server],
    ] as const) {
      const { receiver } = end;
      const onBytes = receiver.onBytes.bind(receiver);
      receiver.onBytes = (chunk) => {
        if (chunk[0] === FrameType.ping) types.push(name);
        onBytes(chunk);
      };
    }
    return types;
  };

  function pass(pair: SessionPair, milliseconds: number): void {
    for (let passed = 0; passed < milliseconds; passed += 1_000) {
      pair.clock.advance(1_000);
      pair.settle();
    }
  }

  test('is what HELLO says, for both ends', () => {
    const pair = new SessionPair({}, { heartbeat: 120_000 }).connect().settle();
    const pings = heard(pair.ends);
    pass(pair, 115_000);
    expect(pings).toEqual([]);
    pass(pair, 10_000);
    expect(pings.length).toBeGreaterThan(0);
    pass(pair, 3_600_000);
    expect(pair.log.losses).toEqual([]);
    expect(pair.keeper.log.losses).toEqual([]);
  });

  test.each([
    [1, 5_000],
    [2 ** 32 - 1, 600_000],
  ])('of %i ms counts as %i ms', (wished, granted) => {
    const pair = new SessionPair({}, { heartbeat: wished }).connect().settle();
    expect([pair.client.terms.heartbeat, pair.server.terms.heartbeat]).toEqual([granted, granted]);
  });

  test('lets a silent transport go after three of it', () => {
    const pair = new SessionPair({}, { heartbeat: 60_000 }).connect().settle();
    // Nothing is delivered from here on.
    pair.clock.advance(175_000);
    expect(pair.keeper.log.losses).toEqual([]);
    pair.clock.advance(20_000);
    expect(pair.keeper.log.losses).toHaveLength(1);
  });
});

describe('silence', () => {
  test.each([
    [
      'server',
      () => {
        const client = new RawClient();
        return { peer: client.greeted(), clock: client.clock, losses: client.keeper.log.losses };
      },
    ],
    [
      'client',
      () => {
        const server = new RawServer();
        return { peer: server.greeted(), clock: server.clock, losses: server.log.losses };
      },
    ],
  ])('of 45 s detaches a %s', (_role, prepare) => {
    const { peer, clock, losses } = prepare();
    clock.advance(44_999);
    expect(losses).toEqual([]);
    clock.advance(1);
    expect(losses).toHaveLength(1);
    expect(losses[0]?.code).toBe(1006);
    expect(peer.closeCode).toBe(1006);
    expect(clock.pending).toBe(0);
  });

  test('is broken by any byte, even within a frame', () => {
    const client = new RawClient();
    const peer = client.greeted().say(open(1));
    const bytes = encodePlain(data(1, zeros(10)));
    for (const byte of bytes) {
      client.clock.advance(40_000);
      peer.say(bytesOf([byte]));
    }
    expect(client.keeper.log.losses).toEqual([]);
    expect(client.keeper.offered[0]?.figures.bytesReceived).toBe(10);
  });

  test('is judged only after what was waiting to be read', () => {
    const client = new RawClient();
    const peer = client.greeted();
    readBeforeJudging(client.clock, () => peer.say(ping(1)));
    client.clock.advance(100_000);
    expect(client.keeper.log.losses).toEqual([]);
    expect(peer.closeCode).toBeUndefined();
  });

  test('before the answer to RESUME detaches too', () => {
    const server = new RawServer();
    server.greeted().close(1006);
    server.connect();
    server.clock.advance(45_000);
    expect(server.log.losses).toHaveLength(2);
  });

  test('of an old transport means nothing once there is a new one', () => {
    const client = new RawClient();
    client.greeted();
    client.clock.advance(40_000);
    const peer = client.connect().say(resume());
    client.clock.advance(44_000);
    expect(client.keeper.log.losses).toEqual([]);
    client.clock.advance(1_000);
    expect(client.keeper.log.losses).toHaveLength(1);
    expect(peer.closeCode).toBe(1006);
  });
});

/** A client that has an answer to everything it said so far, and now hears nothing any more. */
function suspecting(): RawServer {
  const server = new RawServer();
  const peer = server.greeted();
  peer.say(pong(0));
  return server;
}

describe('suspicion', () => {
  test('comes when a PING is not answered for 5 s', () => {
    const server = suspecting();
    server.clock.advance(19_999);
    expect(server.suspicions).toBe(0);
    server.clock.advance(1_001);
    expect(server.suspicions).toBe(1);
    expect(server.session.attached).toBe(true);
  });

  test('comes when unacknowledged frames are not answered for 5 s', () => {
    const server = suspecting();
    server.session.open({ host: 'example.org', port: 80 }, { onOpen() {}, onFail() {} });
    server.clock.advance(4_999);
    expect(server.suspicions).toBe(0);
    server.clock.advance(1_001 + 1);
    expect(server.suspicions).toBe(1);
  });

  test('comes again every 5 s while the silence lasts', () => {
    const server = suspecting();
    server.clock.advance(21_000);
    server.clock.advance(15_000);
    expect(server.suspicions).toBeGreaterThanOrEqual(3);
    expect(server.suspicions).toBeLessThanOrEqual(4);
  });

  test('comes within 8 s when a download stops, since that is asked about, once', () => {
    const server = new RawServer();
    const peer = server.greeted();
    server.session.open({ host: 'example.org', port: 80 }, { onOpen() {}, onFail() {} });
    peer.settle().say(ack(1), openOk(1));
    const answer = () => answerOf(peer);
    for (let n = 0; n < 30; n++) {
      peer.say(data(1, 'x'), answer());
      server.clock.advance(100);
    }
    // The answer to the last PING has come; what comes then is the last.
    server.clock.advance(50);
    peer.say(data(1, 'x'), answer());
    server.clock.advance(8_000);
    expect(server.suspicions).toBe(1);

    const before = pings(peer);
    peer.say(answer());
    server.clock.advance(7_000);
    expect(pings(peer)).toBe(before);
    expect(server.suspicions).toBe(1);
  });

  test('does not come without anything to be answered', () => {
    const server = suspecting();
    server.clock.advance(15_000);
    expect(server.suspicions).toBe(0);
  });

  test('does not come while anything arrives, even if it is no answer', () => {
    const server = new RawServer();
    const peer = server.greeted();
    server.session.open({ host: 'example.org', port: 80 }, { onOpen() {}, onFail() {} });
    for (let n = 0; n < 60; n++) {
      server.clock.advance(1_000);
      peer.say(bytesOf([[0x83, 0, 0, 8, 0, 0, 0, 0][n % 16] ?? 1]));
    }
    expect(server.suspicions).toBe(0);
  });

  test('tells how long each answer to a PING has taken', () => {
    const server = new RawServer();
    const peer = server.greeted();
    server.clock.advance(30);
    peer.say(pong(0));
    expect(server.roundTrips).toEqual([30]);
    peer.say(ack(0));
    expect(server.roundTrips).toEqual([30]);
  });

  test.each<[end: string, under: () => { peer: RawPeer; clock: FakeClock; figures: SessionFigures; told: number[] }]>([
    [
      'client',
      () => {
        const server = new RawServer();
        const { clock, session, roundTrips: told } = server;
        return { peer: server.greeted(), clock, figures: session.figures, told };
      },
    ],
    [
      'server',
      () => {
        const told: number[] = [];
        const client = new RawClient({ onRoundTrip: (time) => told.push(time) });
        const peer = client.greeted();
        const { figures } = client.keeper.session;
        return { peer, clock: client.clock, figures, told };
      },
    ],
  ])('learns nothing from a PONG that it has not asked for, nor from a second one (%s)', (_end, under) => {
    const { peer, clock, figures, told } = under();
    clock.advance(30);
    peer.say(pong(1), pong(29_999), pong(30_000));
    expect([told, figures.roundTrip]).toEqual([[], Number.POSITIVE_INFINITY]);
    peer.say(pong(0));
    clock.advance(400);
    peer.say(pong(0), pong(0), pong(400_000));
    expect([told, figures.roundTrip]).toEqual([[30], 30]);
  });

  test('waits for four round trips where these are longer', () => {
    const server = new RawServer();
    const peer = server.greeted();
    // The answer to the first PING takes 3 s.
    server.clock.advance(3_000);
    peer.say(pong(0));
    server.session.open({ host: 'example.org', port: 80 }, { onOpen() {}, onFail() {} });
    server.clock.advance(11_900);
    expect(server.suspicions).toBe(0);
    server.clock.advance(2_000);
    expect(server.suspicions).toBe(1);
  });

  test.each([4_000, 5_900, 7_000, 30_000, 60_000])(
    'does not come when this process stood still for %i ms and the answer was waiting',
    (stall) => {
      const server = new RawServer();
      const peer = server.greeted();
      server.session.open({ host: 'example.org', port: 80 }, { onOpen() {}, onFail() {} });
      server.clock.advance(1_000);
      readBeforeJudging(server.clock, () => peer.say(ack(1)));
      server.clock.stall(stall);
      server.clock.advance(4_000);
      expect(server.suspicions).toBe(0);
      expect(server.log.losses).toEqual([]);
    },
  );

  test('is not for servers, which cannot dial', () => {
    const client = new RawClient();
    client.greeted().say(open(1));
    client.keeper.offered[0]?.accept();
    client.clock.advance(44_000);
    expect(client.keeper.log.losses).toEqual([]);
  });
});

describe('K7 after the machine has slept', () => {
  function sleeper(): { server: RawServer; peer: RawPeer; before: number } {
    const server = new RawServer();
    const peer = server.greeted();
    server.clock.advance(100);
    peer.say(pong(0));
    server.clock.advance(1_400);
    return { server, peer, before: pings(peer) };
  }

  test.each<[kind: string, sleep: (server: RawServer) => void]>([
    [
      'the clock of the timers stood still',
      ({ clock }) => {
        clock.wallOffset += 20_000;
      },
    ],
    ['it ran on', ({ clock }) => clock.stall(20_000)],
  ])('a PING leaves within a second, and 2 s without an answer are suspicious (%s)', (_kind, sleep) => {
    const { server, peer, before } = sleeper();
    sleep(server);
    server.clock.advance(500);
    expect(pings(peer)).toBe(before + 1);
    server.clock.advance(1_499);
    expect(server.suspicions).toBe(0);
    server.clock.advance(501);
    expect(server.suspicions).toBe(1);
  });

  test('an answer within 2 s means that all is well', () => {
    const { server, peer } = sleeper();
    server.clock.wallOffset += 3_600_000;
    server.clock.advance(1_500);
    peer.say(answerOf(peer));
    server.clock.advance(10_000);
    expect(server.suspicions).toBe(0);
  });

  test('a wall clock that somebody sets back does no harm', () => {
    const { server, peer, before } = sleeper();
    server.clock.wallOffset -= 3_600_000;
    server.clock.advance(5_000);
    expect([pings(peer), server.suspicions]).toEqual([before, 0]);
  });
});

describe('an idle path', () => {
  test('carries something in both directions at least every 20 s, so no proxy cuts it after 60 s', () => {
    const pair = new SessionPair().connect().settle();
    const [near, far] = pair.ends;
    const quiet = { near: 0, far: 0 };
    for (let seconds = 0; seconds < 600; seconds++) {
      pair.clock.advance(1_000);
      pair.clock.runDeferred();
      quiet.near = near.backlog > 0 ? 0 : quiet.near + 1;
      quiet.far = far.backlog > 0 ? 0 : quiet.far + 1;
      // The answer to a PING counts for the other direction.
      near.deliver();
      pair.clock.runDeferred();
      if (far.backlog > 0) quiet.far = 0;
      expect(Math.max(quiet.near, quiet.far)).toBeLessThanOrEqual(20);
      pair.settle();
    }
  });
});

describe('a path that carries 64 kbit/s and takes 1,500 ms there and back', () => {
  test.each([
    ['that hides its queue in the system', 4_000_000],
    ['that shows its queue', 0],
  ])('and %s is neither suspected nor given up through 60 s of saturated upload', (_kind, systemBuffer) => {
    const pair = new SessionPair();
    pair.join(...SlowPath.pair(pair.clock, { rate: 8, latency: 750, systemBuffer }));
    pair.keeper.onChannel = (channel) => {
      channel.accept();
      far.take(channel);
    };
    const far = new Recorder();
    const near = pair.request();
    near.channel.write(zeros(1_000_000));
    for (let n = 0; n < 600; n++) {
      pair.clock.advance(100);
      pair.clock.runDeferred();
    }
    expect(far.bytes.length).toBeGreaterThan(60 * 8_000 * 0.9);
    expect(pair.suspicions).toBe(0);
    expect([pair.log.losses, pair.keeper.log.losses]).toEqual([[], []]);
    pair.client.close('the test is over', 1000);
  });
});
