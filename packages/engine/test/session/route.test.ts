import { describe, expect, test } from 'vitest';
import { bytesOf } from 'wsproxy-test-support/engine/bytes';
import { helloWith, RETURN, resume, resumed, routed, SESSION_ID } from 'wsproxy-test-support/engine/frames';
import { u32 } from 'wsproxy-test-support/engine/oracle-codec';
import { join, zeros } from '../../src/bytes.js';
import { RawClient, RawServer } from './raw-session.js';
import { SessionPair } from './session-pair.js';

const NOBODY = zeros(32);
const ROUTE = 'ams-1.0123456789ab';
const OTHER = 'fra-2.ba9876543210';

describe('a server that has a route', () => {
  test('tells it behind the capabilities, in the answers to HELLO and to RESUME', () => {
    const client = new RawClient({ route: ROUTE });
    const first = client.connect().say(helloWith(RETURN));
    expect(first.frames[0]).toEqual(routed(helloWith(RETURN, NOBODY), ROUTE));
    const next = client.connect().say(resume({ attempt: 1 }));
    expect(next.frames[0]).toEqual(routed(resumed(1, 0, 120_000, RETURN), ROUTE));
  });

  test('answers a client that knows of no capabilities as ever', () => {
    const client = new RawClient({ route: ROUTE });
    const first = client.greeted();
    const key = join([bytesOf([1, 0, 0, 0]), SESSION_ID, NOBODY]);
    expect(first.frames[0]?.payload).toEqual(join([key, u32(120_000)]));
    const next = client.connect().say(resume());
    expect(next.frames[0]?.payload).toHaveLength(64);
  });

  test('takes what a client says behind its capabilities for fields that it does not know', () => {
    const client = new RawClient({ route: ROUTE });
    const peer = client.connect().say(routed(helloWith(RETURN), OTHER));
    expect(peer.frames[0]).toEqual(routed(helloWith(RETURN, NOBODY), ROUTE));
  });
});

describe('a client', () => {
  test('learns the route from the answer to HELLO, and newer ones from those to RESUME', () => {
    const server = new RawServer();
    expect(server.route).toBeUndefined();
    server
      .connect()
      .say(routed(helloWith(RETURN, NOBODY), ROUTE))
      .close(1006);
    expect(server.route).toBe(ROUTE);
    server
      .connect()
      .say(routed(resumed(1, 0, 120_000, RETURN), OTHER))
      .close(1006);
    expect(server.route).toBe(OTHER);
  });

  test('learns it from the answer to RESUME when that to HELLO was lost', () => {
    const server = new RawServer();
    server.session.open({ host: 'example.org', port: 80 }, { onOpen() {}, onFail() {} });
    server.connect().close(1006);
    server.connect().say(routed(resumed(1, 1, 120_000, RETURN), ROUTE));
    expect(server.route).toBe(ROUTE);
  });

  test.each([
    ['capabilities', (server: RawServer) => server.greeted()],
    ['routes', (server: RawServer) => server.connect().say(helloWith(RETURN, NOBODY))],
  ])('has none from a server that knows of no %s', (_what, answer) => {
    const server = new RawServer();
    expect([answer(server).closeCode, server.route]).toEqual([undefined, undefined]);
  });

  test('forgets it with the answer of a server that tells none', () => {
    const server = new RawServer();
    server
      .connect()
      .say(routed(helloWith(RETURN, NOBODY), ROUTE))
      .close(1006);
    server.connect().say(resumed(1, 0, 120_000, RETURN));
    expect(server.route).toBeUndefined();
  });

  test.each([
    ['HELLO', (server: RawServer) => server.connect().say(routed(helloWith(RETURN, NOBODY), 'a b'))],
    [
      'RESUME',
      (server: RawServer) => {
        server.connect().say(helloWith(RETURN, NOBODY)).close(1006);
        return server.connect().say(routed(resumed(1, 0, 120_000, RETURN), 'a b'));
      },
    ],
  ])('closes with 4003 at an answer to %s whose route could not stand in a request', (_name, answer) => {
    const server = new RawServer();
    expect(answer(server).closeCode).toBe(4003);
    expect([server.log.closings.length, server.route, server.clock.pending]).toEqual([1, undefined, 0]);
  });
});

test('both ends of this version agree on it over a lost transport', () => {
  const pair = new SessionPair({ route: ROUTE });
  pair.connect().settle();
  expect(pair.route).toBe(ROUTE);
  pair.cut();
  pair.connect().settle();
  expect(pair.route).toBe(ROUTE);
});
