import { once } from 'node:events';
import { type AddressInfo, createServer, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { FailureCode } from 'wsproxy-engine';
import { FAILURES, type Logger, silentLogger } from 'wsproxy-engine';
import { FakeClock } from 'wsproxy-engine/testing';
import { FakeFlows } from 'wsproxy-test-support/fake-flows';
import { LocalConnection } from '../../../src/accept/local-connection.js';
import { Association } from '../../../src/accept/socks/association.js';
import { Associations } from '../../../src/accept/socks/associations.js';
import { parseSocks5Datagram } from '../../../src/accept/socks/socks5-datagram.js';
import { Application } from '../application.js';
import { PortFixture, usePort } from '../port-fixture.js';
import { datagram5, GREETING, hex, METHOD, reply5 } from '../socks-bytes.js';
import { endUdpApplications, UdpApplication } from '../udp-application.js';

const ASSOCIATE = hex('05 03 00 01 00000000 0000');
/** What the log has said of datagrams that were dropped: the reasons. */
const drops: string[] = [];
const logger: Logger = {
  ...silentLogger,
  info: (fields, message) => message === 'datagram dropped' && drops.push((fields as { reason: string }).reason),
};

const fixture = usePort({ logger });
endUdpApplications();

interface Associated {
  readonly control: Application;
  readonly application: UdpApplication;
  /** Where its datagrams go. */
  readonly relay: { readonly address: string; readonly port: number };
  /** Sends `data` for `host`, as `port` of it is 53. */
  say(host: string, data: string, spelling?: string): void;
}

async function associate(of: PortFixture = fixture, request: Buffer = ASSOCIATE): Promise<Associated> {
  drops.length = 0;
  const control = await of.send(Buffer.concat([GREETING, request]));
  const reply = (await control.untilBytes(12)).subarray(2);
  expect(reply.subarray(0, 4)).toEqual(hex('05 00 00 01'));
  const relay = { address: reply.subarray(4, 8).join('.'), port: reply.readUInt16BE(8) };
  const application = await UdpApplication.bind();
  const say = (host: string, data: string, spelling?: string): void =>
    application.send(datagram5({ host, port: 53 }, Buffer.from(data), spelling), relay.port);
  return { control, application, relay, say };
}

const sent = (): readonly string[] => fixture.flows.last.sent;

describe('UDP ASSOCIATE', () => {
  it('tells a port only when the flow was answered', async () => {
    fixture.flows.answer = 'wait';
    const control = await fixture.send(GREETING);
    await control.untilBytes(2);
    control.send(ASSOCIATE);
    await expect.poll(() => fixture.flows.flows.length).toBe(1);
    expect(fixture.flows.last).toMatchObject({ target: undefined, kind: 'socks5-udp' });
    expect(control.bytes).toEqual(METHOD);
    fixture.flows.last.open();
    const reply = await control.untilBytes(12);
    expect(reply.subarray(0, 10)).toEqual(Buffer.concat([METHOD, hex('05 00 00 01 7f000001')]));
    expect(reply.readUInt16BE(10)).toBeGreaterThan(0);
  });

  it('carries datagrams for IPv4, IPv6 and names in one association, and says whom each answer is from', async () => {
    const { application, say } = await associate();
    const peers = ['192.0.2.1', '2001:db8::1', 'example.org'];
    for (const peer of peers) say(peer, 'ask');
    await expect.poll(sent).toEqual(peers.map((peer) => `ask to ${peer} 53`));
    for (const host of peers) {
      fixture.flows.last.deliver(`answer of ${host}`, { host, port: 53 });
      const answer = parseSocks5Datagram(await application.next());
      expect(answer).toMatchObject({ peer: { host, port: 53 }, data: Buffer.from(`answer of ${host}`) });
    }
  });

  it('answers with the name letter by letter as the application has it', async () => {
    const { application, say } = await associate();
    const spelled = async (): Promise<string | undefined> => {
      fixture.flows.last.deliver('answer', { host: 'example.org', port: 53 });
      const answer = parseSocks5Datagram(await application.next());
      return typeof answer === 'string' ? answer : answer.spelling;
    };
    say('example.org', 'ask', 'Example.ORG.');
    await expect.poll(() => sent().length).toBe(1);
    expect(await spelled()).toBe('Example.ORG.');
    say('example.org', 'ask');
    await expect.poll(() => sent().length).toBe(2);
    expect(await spelled()).toBe('example.org');
  });

  it.each([0, 1, 65_497])('carries %i bytes both ways', async (length) => {
    const { application, say } = await associate();
    say('192.0.2.1', 'x'.repeat(length));
    await expect.poll(sent).toEqual([`${'x'.repeat(length)} to 192.0.2.1 53`]);
    fixture.flows.last.deliver('y'.repeat(length), { host: '192.0.2.1', port: 53 });
    expect(parseSocks5Datagram(await application.next())).toMatchObject({ data: Buffer.alloc(length, 'y') });
  });

  it('counts an answer that is too long for its header, and goes on', async () => {
    const { application, say } = await associate();
    say('192.0.2.1', 'ask');
    await expect.poll(() => sent().length).toBe(1);
    fixture.flows.last.deliver('y'.repeat(65_507), { host: '192.0.2.1', port: 53 });
    fixture.flows.last.deliver('short', { host: '192.0.2.1', port: 53 });
    expect(parseSocks5Datagram(await application.next())).toMatchObject({ data: Buffer.from('short') });
    expect(drops).toEqual(['unsent']);
  });

  it.each([
    ['a fragment', 'fragment', hex('0000 01 01 c0000201 0035 00')],
    ['a header that ends before the name it tells the length of', 'malformed', hex('0000 00 03 ff 61')],
    ['what is too short for a header', 'malformed', hex('0000')],
  ])('drops and counts %s, and goes on', async (_title, reason, bytes) => {
    const { application, relay, say } = await associate();
    application.send(bytes, relay.port);
    application.send(bytes, relay.port);
    say('192.0.2.1', 'ask');
    await expect.poll(sent).toEqual(['ask to 192.0.2.1 53']);
    expect(drops).toEqual([reason]);
  });

  it('takes datagrams from the address of the control connection alone', async () => {
    const { relay, say } = await associate();
    const stranger = await UdpApplication.bind('127.0.0.2');
    stranger.send(datagram5({ host: '192.0.2.9', port: 53 }, Buffer.from('stranger')), relay.port);
    await expect.poll(() => drops).toEqual(['stranger']);
    say('192.0.2.1', 'ask');
    await expect.poll(sent).toEqual(['ask to 192.0.2.1 53']);
  });

  it('takes them from the port of the first alone, and answers to it alone; noise before it decides nothing', async () => {
    const { application, relay, say } = await associate();
    const other = await UdpApplication.bind();
    other.send(hex('0000 00 ff'), relay.port);
    await expect.poll(() => drops).toEqual(['malformed']);
    say('192.0.2.1', 'first');
    await expect.poll(sent).toEqual(['first to 192.0.2.1 53']);
    other.send(datagram5({ host: '192.0.2.9', port: 53 }, Buffer.from('other')), relay.port);
    await expect.poll(() => drops).toEqual(['malformed', 'stranger']);
    fixture.flows.last.deliver('answer', { host: '192.0.2.1', port: 53 });
    expect(parseSocks5Datagram(await application.next())).toMatchObject({ data: Buffer.from('answer') });
    expect(sent()).toEqual(['first to 192.0.2.1 53']);
  });

  it.each([
    ['a name that is none, as PySocks', hex('05 03 00 03 01 30 d431')],
    ['the destination, as tun2socks', hex('05 03 00 01 c6336401 0035')],
    ['an address of the other family', hex('05 03 00 04 00000000000000000000000000000000 0000')],
  ])('does not care that the request has %s', async (_title, request) => {
    const { say } = await associate(fixture, request);
    say('192.0.2.1', 'ask');
    await expect.poll(sent).toEqual(['ask to 192.0.2.1 53']);
  });

  it.each(['end', 'reset'] as const)(
    'ends with the %s of its control connection, and its port is free',
    async (end) => {
      const { control, relay } = await associate();
      if (end === 'end') control.endHalf();
      else control.socket.resetAndDestroy();
      await control.closed();
      await expect.poll(() => fixture.flows.last.figures.failure).toBe('CANCELLED');
      await expectFree(relay.port);
    },
  );

  it('given up before the flow was answered leaves none', async () => {
    fixture.flows.answer = 'wait';
    const control = await fixture.send(Buffer.concat([GREETING, ASSOCIATE]));
    await expect.poll(() => fixture.flows.living.length).toBe(1);
    control.socket.resetAndDestroy();
    await expect.poll(() => fixture.flows.living.length).toBe(0);
  });

  it('resets its control connection when the flow ends', async () => {
    const { control, relay } = await associate();
    fixture.flows.last.close('SESSION_LOST');
    expect(await control.closed()).toMatchObject({ end: 'reset' });
    await expectFree(relay.port);
  });

  it('goes on with another flow, of the same port, after one that was only silent for too long', async () => {
    const { application, say } = await associate();
    say('192.0.2.1', 'before');
    await expect.poll(sent).toEqual(['before to 192.0.2.1 53']);
    fixture.flows.last.close('TIMED_OUT');
    say('192.0.2.1', 'after');
    await expect.poll(() => fixture.flows.flows.length).toBe(2);
    expect(sent()).toEqual(['after to 192.0.2.1 53']);
    fixture.flows.last.deliver('answer', { host: '192.0.2.1', port: 53 });
    expect(parseSocks5Datagram(await application.next())).toMatchObject({ data: Buffer.from('answer') });
  });

  it('ends when the flow that it goes on with is refused', async () => {
    const { control, say } = await associate();
    fixture.flows.answer = 'TUNNEL_DOWN';
    fixture.flows.last.close('TIMED_OUT');
    say('192.0.2.1', 'after');
    expect(await control.closed()).toMatchObject({ end: 'reset' });
  });

  it.each(Object.keys(FAILURES) as FailureCode[])('tells %s by its reply and closes', async (code) => {
    fixture.flows.answer = code;
    const control = await fixture.send(Buffer.concat([GREETING, ASSOCIATE]));
    const bytes = Buffer.concat([METHOD, reply5(FAILURES[code].socks5)]);
    expect(await control.closed()).toMatchObject({ bytes, end: 'closed' });
  });

  it('reads and drops what comes on the control connection', async () => {
    const { control, say } = await associate();
    control.send(Buffer.alloc(1 << 20, 'x'));
    say('192.0.2.1', 'ask');
    await expect.poll(sent).toEqual(['ask to 192.0.2.1 53']);
    control.endHalf();
    expect(await control.closed()).toMatchObject({ end: 'closed' });
  });
});

describe('a port with passwords', () => {
  const sha256 = '2bb80d537b1da3e38bd30361aa855686bde0eacd7162fef6a25fe97bf527a25b';
  const guarded = usePort({ users: [{ name: 'user', sha256 }] });

  it.each([
    ['no password', hex('05 01 00'), hex('05 FF')],
    ['a wrong one', hex('05 01 02 01 04 75736572 01 78'), hex('05 02 01 01')],
  ])('gives no association to who has %s', async (_title, hello, answer) => {
    const control = await guarded.send(Buffer.concat([hello, ASSOCIATE]));
    expect((await control.closed()).bytes).toEqual(answer);
    expect(guarded.flows.flows).toEqual([]);
  });

  it('gives one to who has the right one', async () => {
    const password = hex('05 01 02 01 04 75736572 06 736563726574');
    const control = await guarded.send(Buffer.concat([password, ASSOCIATE]));
    expect((await control.untilBytes(14)).subarray(0, 8)).toEqual(hex('05 02 01 00 05 00 00 01'));
  });
});

describe('the address that is told', () => {
  const everywhere = new PortFixture();

  it('is the one at which the application has come in', async () => {
    await everywhere.open({ at: { host: '0.0.0.0', port: 0 } });
    const control = await Application.connect(everywhere.port, '127.0.0.2');
    control.send(Buffer.concat([GREETING, ASSOCIATE]));
    expect((await control.untilBytes(12)).subarray(2, 10)).toEqual(hex('05 00 00 01 7f000002'));
    control.socket.destroy();
    await everywhere.close();
  });

  it('is the one at which it has come in when that is of IPv4 on a port for both families, too', async () => {
    await everywhere.open({ at: { host: '*', port: 0 } });
    const { relay } = await associate(everywhere);
    expect(relay.address).toBe('127.0.0.1');
    await everywhere.close();
  });

  it('is one of IPv6 for an application that speaks it', async () => {
    await everywhere.open({ at: { host: '::1', port: 0 } });
    const control = await Application.connect(everywhere.port, '::1');
    control.send(Buffer.concat([GREETING, ASSOCIATE]));
    const reply = (await control.untilBytes(24)).subarray(2);
    expect(reply.subarray(0, 20)).toEqual(hex('05 00 00 04 00000000000000000000000000000001'));
    const application = await UdpApplication.bind('::1');
    const ask = datagram5({ host: '192.0.2.1', port: 53 }, Buffer.from('ask'));
    application.send(ask, reply.readUInt16BE(20), '::1');
    await expect.poll(() => everywhere.flows.last.sent).toEqual(['ask to 192.0.2.1 53']);
    control.socket.destroy();
    await everywhere.close();
  });

  it('is what the settings say, with ports of their range; when none is left, that is told', async () => {
    const first = (await UdpApplication.bind()).port;
    await everywhere.open({ udpAdvertised: { address: '203.0.113.7', ports: [first, first + 2] } });
    const [one, two] = [await associate(everywhere), await associate(everywhere)];
    expect([one.relay.address, two.relay.address]).toEqual(['203.0.113.7', '203.0.113.7']);
    expect([one.relay.port, two.relay.port].sort()).toEqual([first + 1, first + 2]);
    const third = await everywhere.send(Buffer.concat([GREETING, ASSOCIATE]));
    expect(await third.closed()).toMatchObject({ bytes: Buffer.concat([METHOD, reply5(0x01)]), end: 'closed' });
    one.say('192.0.2.1', 'ask');
    await expect.poll(() => everywhere.flows.flows[0]?.sent).toEqual(['ask to 192.0.2.1 53']);
    await everywhere.close();
  });
});

it('over a Unix socket is refused: nobody could send to it', async () => {
  const path = join(tmpdir(), `wsproxy-association-${process.pid}.sock`);
  const port = new PortFixture();
  await port.open({ at: { path } });
  const control = await Application.connect(path);
  control.send(Buffer.concat([GREETING, ASSOCIATE]));
  expect((await control.closed()).bytes).toEqual(Buffer.concat([METHOD, reply5(0x07)]));
  expect(port.flows.flows).toEqual([]);
  await port.close();
});

it('as many as a port has are given, and one more when one of them has ended', async () => {
  const associations = new Associations(new FakeFlows(), undefined, 2);
  const server = createServer((socket) => {
    const connection = new LocalConnection(socket, () => {}, { logger: silentLogger, handshakeTimeout: 10_000 });
    associations.begin(connection, Buffer.alloc(0));
  });
  await once(server.listen(0, '127.0.0.1'), 'listening');
  const { port } = server.address() as AddressInfo;
  const begin = async (): Promise<[Application, number | undefined]> => {
    const control = await Application.connect(port);
    return [control, (await control.untilBytes(10))[1]];
  };
  const [first, second, third] = [await begin(), await begin(), await begin()];
  expect([first[1], second[1], third[1]]).toEqual([0, 0, 1]);
  first[0].endHalf();
  await first[0].closed();
  const fourth = await begin();
  expect(fourth[1]).toBe(0);
  for (const [control] of [second, fourth]) control.socket.destroy();
  server.close();
  await once(server, 'close');
});

it('without a flow lasts two minutes', async () => {
  const [flows, clock] = [new FakeFlows(), new FakeClock()];
  const [application, control] = await connected();
  const ready = new Promise<unknown>((resolve) => {
    const common = { tunnel: flows, control, advertised: undefined, clock, logger: silentLogger };
    new Association({ ...common, address: '127.0.0.1', client: '127.0.0.1', onReady: resolve, onFail: resolve });
  });
  await ready;
  flows.last.close('TIMED_OUT');
  clock.advance(119_999);
  expect(control.destroyed).toBe(false);
  clock.advance(1);
  expect(await application.closed()).toMatchObject({ end: 'reset' });
  expect(clock.pending).toBe(0);
});

/** Both ends of a connection. */
async function connected(): Promise<[Application, Socket]> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const accepted = once(server, 'connection');
  const application = await Application.connect((server.address() as AddressInfo).port);
  const [socket] = (await accepted) as [Socket];
  server.close();
  return [application, socket];
}

/** Nobody has this UDP port, or will not in a moment. */
async function expectFree(port: number): Promise<void> {
  await expect
    .poll(async () => {
      const probe = await UdpApplication.bind('127.0.0.1', port).catch(() => undefined);
      return probe !== undefined;
    })
    .toBe(true);
}
