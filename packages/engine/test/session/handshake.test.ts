import { describe, expect, test } from 'vitest';
import { bytesOf, filled, toHex } from 'wsproxy-test-support/engine/bytes';
import {
  CAPABILITIES,
  data,
  fin,
  goAway,
  hello,
  helloWith,
  open,
  openOk,
  ping,
  resume,
  SESSION_ID,
} from 'wsproxy-test-support/engine/frames';
import { encodePlain, u32, u64 } from 'wsproxy-test-support/engine/oracle-codec';
import { join, zeros } from '../../src/bytes.js';
import { FrameType } from '../../src/frame/frame.js';
import { RawClient, RawServer } from './raw-session.js';

const zeroSecret = zeros(32);

describe('a server', () => {
  test('answers HELLO with its version, the id, no secret, and the grace it grants', () => {
    const peer = new RawClient().connect().say(hello({ grace: 77_000 }));
    const [answer] = peer.frames;
    expect(answer?.type).toBe(FrameType.hello);
    expect(answer?.payload).toEqual(join([bytesOf([1, 0, 0, 0]), SESSION_ID, zeroSecret, u32(77_000)]));
  });

  test('takes what is said right behind HELLO', () => {
    const client = new RawClient();
    client.connect().say(join([hello(), open(1), data(1, 'early')].map(encodePlain)));
    expect(client.keeper.offered.map(({ target }) => target.host)).toEqual(['example.org']);
    expect(client.keeper.offered[0]?.figures.bytesReceived).toBe(5);
  });

  test('takes a HELLO that arrives byte by byte, and one with fields of a later version', () => {
    const client = new RawClient();
    const peer = client.connect();
    for (const byte of encodePlain(hello())) peer.say(bytesOf([byte]));
    expect(peer.heard(FrameType.hello)).toHaveLength(1);
    const longer = hello();
    const other = new RawClient().connect();
    other.say({ ...longer, payload: join([longer.payload, filled(900, 1)]) });
    expect(other.heard(FrameType.hello)).toHaveLength(1);
  });

  test.each([
    ['an unknown frame', { type: 0x20, channel: 0, payload: zeros(0) }],
    ['DATA', data(1, 'x')],
    ['OPEN', open(1)],
    ['PING', ping(1)],
    ['FIN', fin(1)],
    ['GOAWAY', goAway(3)],
  ])('F4: refuses %s before HELLO', (_name, frame) => {
    const client = new RawClient();
    const peer = client.connect().say(frame, hello());
    expect(peer.closeCode).toBe(4003);
    expect(client.keeper.kept.size).toBe(0);
    expect(client.keeper.rejections).toHaveLength(1);
    expect(client.clock.pending).toBe(0);
  });

  test.each([
    ['in messages of their own', false],
    ['in one message', true],
  ])('F4: ends the session at a second HELLO or RESUME, %s', (_how, together) => {
    for (const second of [hello(), resume()]) {
      const client = new RawClient();
      const peer = client.connect();
      if (together) peer.say(join([hello(), second].map(encodePlain)));
      else peer.say(hello()).say(second);
      expect(peer.closeCode).toBe(4003);
      expect(client.keeper.log.closings).toHaveLength(1);
      expect(client.keeper.kept.size).toBe(0);
      expect(client.clock.pending).toBe(0);
    }
  });

  test('ends the session, not only the transport, when an error follows HELLO in the same message', () => {
    const client = new RawClient();
    const peer = client.connect().say(join([hello(), open(1), open(1)].map(encodePlain)));
    expect(peer.closeCode).toBe(4003);
    expect(client.keeper.log.closings).toHaveLength(1);
    expect(client.keeper.offered[0]?.state.dead).toBe(true);
    expect(client.clock.pending).toBe(0);
  });

  test.each([0, 2, 255])('F3: refuses version %i with 4002, and names the one that it has', (version) => {
    for (const greeting of [hello({ version }), resume({ version })]) {
      const client = new RawClient();
      const peer = client.connect().say(greeting);
      expect(peer.closeCode).toBe(4002);
      expect(client.keeper.rejections.join()).toContain('only 1');
    }
  });

  test('closes a transport on which no whole HELLO has come for 5 s', () => {
    const client = new RawClient();
    const peer = client.connect().say(encodePlain(hello()).subarray(0, 63));
    client.clock.advance(4_999);
    expect(peer.closeCode).toBeUndefined();
    client.clock.advance(1);
    expect(peer.closeCode).toBe(4007);
    expect(client.clock.pending).toBe(0);
    peer.say(hello());
    expect(client.keeper.kept.size).toBe(0);
  });

  test('E5: closes with 1003 at a text message before HELLO', () => {
    const client = new RawClient();
    const peer = client.connect();
    peer.sayText();
    expect(peer.closeCode).toBe(1003);
    expect(client.clock.pending).toBe(0);
  });

  test('forgets a transport that is lost before HELLO', () => {
    const client = new RawClient();
    client.connect().close(1001);
    expect(client.keeper.rejections).toEqual(['closed before HELLO: 1001 ']);
    expect(client.clock.pending).toBe(0);
  });
});

describe('RESUME', () => {
  test('is answered with the count of the server, and no secret', () => {
    const client = new RawClient();
    const first = client.greeted().say(open(1), data(1, 'abc'));
    client.keeper.offered[0]?.accept();
    first.settle();
    first.close(1006);
    const peer = client.connect().say(resume({ attempt: 5, received: 1 }));
    const fields = [bytesOf([1, 0, 0, 0]), SESSION_ID, zeroSecret, u32(5), u64(2)];
    expect(peer.frames[0]).toEqual({ type: FrameType.resume, channel: 0, payload: join(fields) });
    expect(peer.heard('sequenced')).toEqual([]);
  });

  test('F21: brings again what the client has not processed, in its order', () => {
    const client = new RawClient();
    const first = client.greeted().say(open(1), open(3));
    for (const channel of client.keeper.offered) channel.accept();
    first.settle();
    client.keeper.offered[0]?.write(bytesOf('abc'));
    client.keeper.offered[0]?.end();
    client.keeper.offered[1]?.reset('TIMED_OUT');
    first.settle();
    const sent = first.heard('sequenced');
    expect(sent).toHaveLength(5);
    for (let received = 1, attempt = 1; received <= 5; received++, attempt++) {
      const peer = client.connect().say(resume({ attempt, received }));
      expect(peer.heard('sequenced')).toEqual(sent.slice(received));
    }
  });

  test('takes the place of the old transport, which is cut', () => {
    const client = new RawClient();
    const first = client.greeted();
    client.connect().say(resume());
    expect(first.closeCode).toBe(1006);
    expect(client.keeper.log.losses).toEqual([]);
  });

  test.each([
    ['an unknown id', () => new RawClient()],
    [
      'a session that has ended',
      () => {
        const client = new RawClient();
        client.greeted().say(goAway(3));
        return client;
      },
    ],
  ])('is refused with 4006 for %s', (_name, prepare) => {
    const peer = prepare().connect().say(resume());
    expect(peer.closeCode).toBe(4006);
    expect(peer.frames).toEqual([]);
  });

  test('is refused with 4006 and the wrong secret, and the session goes on', () => {
    const client = new RawClient();
    const first = client.greeted();
    const peer = client.connect().say(resume({ secret: filled(32, 8) }));
    expect(peer.closeCode).toBe(4006);
    first.say(open(1));
    expect(client.keeper.offered).toHaveLength(1);
  });

  test('is refused with 4004 when its attempt number is not the highest, and the session goes on', () => {
    const client = new RawClient();
    client.greeted();
    const newer = client.connect().say(resume({ attempt: 7 }));
    for (const attempt of [7, 6, 0]) {
      expect(client.connect().say(resume({ attempt })).closeCode).toBe(4004);
    }
    newer.say(open(1));
    expect(client.keeper.offered).toHaveLength(1);
    expect(newer.closeCode).toBeUndefined();
  });

  test.each([1, 2 ** 40])('ends the session when it claims %i frames that were never sent', (received) => {
    const client = new RawClient();
    client.greeted();
    const peer = client.connect().say(resume({ received }));
    expect(peer.closeCode).toBe(4003);
    expect(client.keeper.log.closings).toHaveLength(1);
    expect(client.clock.pending).toBe(0);
  });

  test('ends the session when it claims less than was acknowledged before', () => {
    const client = new RawClient();
    const first = client.greeted().say(open(1));
    client.keeper.offered[0]?.accept();
    first.settle();
    first.say({ type: FrameType.ack, channel: 0, payload: u64(1) });
    const peer = client.connect().say(resume({ received: 0 }));
    expect(peer.closeCode).toBe(4003);
    expect(client.keeper.log.closings).toHaveLength(1);
  });
});

describe('a client', () => {
  test.each([
    [30_000, 30_000],
    [600_000, 120_000],
  ])('that is granted a grace of %i ms believes %i', (grace, believed) => {
    const server = new RawServer();
    server.connect().say(hello({ secret: zeroSecret, grace }));
    expect(server.grace).toBe(believed);
  });

  test('begins with HELLO, and what was opened follows without waiting', () => {
    const server = new RawServer();
    const channel = server.session.open({ host: 'example.org', port: 80 }, { onOpen() {}, onFail() {} });
    channel.write(bytesOf('early'));
    channel.end();
    const peer = server.connect();
    expect(peer.frames[0]).toEqual(helloWith(CAPABILITIES));
    expect(peer.heard('sequenced').map(({ type }) => type)).toEqual([FrameType.open, FrameType.data, FrameType.fin]);
    expect(server.welcomes).toBe(0);
    peer.say(hello());
    expect(server.welcomes).toBe(1);
  });

  test('says HELLO again on the next transport while nothing was sent, for another session than the first', () => {
    const server = new RawServer();
    const [first] = server.connect().frames;
    const next = server.connect();
    const [second] = next.frames;
    expect([first?.type, second?.type]).toEqual([FrameType.hello, FrameType.hello]);
    const key = (payload: Uint8Array = zeros(0)) => [payload.subarray(4, 20), payload.subarray(20, 52)];
    expect(key(second?.payload)).not.toEqual(key(first?.payload));
    next.say(hello()).close(1006);
    const [resumption] = server.connect().frames;
    expect(resumption?.type).toBe(FrameType.resume);
    expect(key(resumption?.payload)).toEqual(key(second?.payload));
  });

  test('says RESUME, with growing attempt numbers, once anything was sent or the server has answered', () => {
    const server = new RawServer();
    server.greeted().close(1006);
    for (const attempt of [1, 2, 3]) {
      const peer = server.connect();
      expect(peer.frames).toEqual([resume({ attempt, received: 0 })]);
      peer.close(1006);
    }
    const other = new RawServer();
    other.session.open({ host: 'example.org', port: 80 }, { onOpen() {}, onFail() {} });
    other.connect().close(1006);
    expect(other.connect().frames).toEqual([resume({ attempt: 1, received: 0 })]);
  });

  test('sends nothing but RESUME until it is answered', () => {
    const server = new RawServer();
    server.greeted().close(1006);
    server.session.open({ host: 'example.org', port: 80 }, { onOpen() {}, onFail() {} });
    const peer = server.connect();
    expect(peer.frames).toEqual([resume()]);
    peer.say(resume());
    expect(peer.heard('sequenced').map(({ type }) => type)).toEqual([FrameType.open]);
  });

  test.each([
    ['RESUME for an answer to HELLO', (server: RawServer) => server.connect().say(resume())],
    [
      'HELLO for an answer to RESUME',
      (server: RawServer) => {
        server.greeted().close(1006);
        return server.connect().say(hello());
      },
    ],
    ['a second HELLO', (server: RawServer) => server.greeted().say(hello())],
    [
      'a second RESUME',
      (server: RawServer) => {
        server.greeted().close(1006);
        return server.connect().say(resume(), resume());
      },
    ],
    [
      'a RESUME that claims what was never sent',
      (server: RawServer) => {
        server.greeted().close(1006);
        return server.connect().say(resume({ received: 1 }));
      },
    ],
    ['an OPEN', (server: RawServer) => server.greeted().say(open(2))],
    [
      'a frame before the answer to RESUME',
      (server: RawServer) => {
        server.greeted().close(1006);
        return server.connect().say(ping(1));
      },
    ],
    [
      'DATA before the answer to RESUME',
      (server: RawServer) => {
        server.session.open({ host: 'example.org', port: 80 }, { onOpen() {}, onFail() {} });
        server.greeted().say(openOk(1)).close(1006);
        return server.connect().say(data(1, 'x'));
      },
    ],
  ])('closes with 4003 at %s', (_name, prepare) => {
    const server = new RawServer();
    const peer = prepare(server);
    expect(peer.closeCode).toBe(4003);
    expect(server.log.closings).toHaveLength(1);
    expect(server.clock.pending).toBe(0);
  });

  test('closes with 4002 when the server answers with another version', () => {
    const server = new RawServer();
    expect(server.connect().say(hello({ version: 2 })).closeCode).toBe(4002);
    expect(server.welcomes).toBe(0);
    const other = new RawServer();
    other.greeted().close(1006);
    expect(other.connect().say(resume({ version: 2 })).closeCode).toBe(4002);
  });

  test('tells of each greeting before there is a transport for it, however often it is asked', () => {
    const server = new RawServer();
    const ids = [0, 1, 2].map(() => {
      const told = [server.next, server.next];
      const [said] = server.connect().frames;
      expect(told.map(({ resumes }) => resumes)).toEqual([false, false]);
      expect(told.map(({ id }) => id)).toEqual([said?.payload.subarray(4, 20), said?.payload.subarray(4, 20)]);
      return toHex(said?.payload.subarray(4, 20) ?? zeros(0));
    });
    expect(new Set(ids).size).toBe(3);
    server.connect().say(hello());
    const { id } = server.next;
    expect(server.next.resumes).toBe(true);
    const [said] = server.connect().frames;
    expect([said?.type, said?.payload.subarray(4, 20)]).toEqual([FrameType.resume, id]);
  });
});
