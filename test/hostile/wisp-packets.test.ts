import { describe, expect, test } from 'vitest';
import { startEcho } from 'wsproxy-test-support/destinations/echo';
import { startSource } from 'wsproxy-test-support/destinations/source';
import { udpDestination } from 'wsproxy-test-support/destinations/udp-destination';
import { startUnread } from 'wsproxy-test-support/destinations/unread';
import { Keystream } from 'wsproxy-test-support/keystream';
import { listen } from 'wsproxy-test-support/sockets/listen';
import { until } from 'wsproxy-test-support/until';
import { startWispServer, Type, WispClient, wispUser } from 'wsproxy-test-support/wire/wisp-client';

const MIB = 1_048_576;

/** A client that may begin, a stranger to it, and a destination. */
async function begin() {
  const started = await startWispServer();
  const client = await WispClient.begin(started.urlOf('alice'));
  const echo = await startEcho();
  return { ...started, client, echo };
}

describe('a client of Wisp that breaks the protocol', () => {
  test.each<[what: string, send: (client: WispClient) => void, code: number]>([
    ['a packet of an unknown type', (client) => client.send(6, 1), 1002],
    ['half a head', (client) => client.ws.send(Buffer.from([2, 0, 0])), 1002],
    ['nothing', (client) => client.ws.send(Buffer.alloc(0)), 1002],
    ['a late INFO', (client) => client.send(Type.info, 0, Buffer.from([2, 0])), 1002],
    ['a CONNECT on stream 0', (client) => client.connect(0, { port: 80 }), 1002],
    ['DATA on stream 0', (client) => client.data(0, 'x'), 1002],
    ['a text message', (client) => client.ws.send('hello'), 1003],
    ['more than a message may be', (client) => client.data(1, Buffer.alloc(MIB)), 1009],
  ])('by %s is closed with the code for that', async (_, send, code) => {
    const { client, server } = await begin();
    send(client);
    expect(await client.closed()).toBe(code);
    await until('its session is over', () => server.sessionCount === 0);
  });

  test('by packets that mean nothing keeps its streams', async () => {
    const { client, echo } = await begin();
    client.connect(1, echo);
    client.data(9, 'to nobody');
    client.close(9);
    client.send(Type.continue, 1, Buffer.from([255, 255, 255, 255]));
    client.send(Type.continue, 9);
    client.data(1, 'x');
    expect(String(await client.read(1, 1))).toBe('x');
    expect(client.packets).toEqual([]);
  });

  test.each<[what: string, host: string, port: number, reason: number]>([
    ['no host', '', 80, 0x41],
    ['port 0', 'example.org', 0, 0x41],
    ['a host that only looks like an address', '127.1', 80, 0x41],
    ['a host with a line end', 'a\r\nb', 80, 0x41],
    ['an address of metadata', '169.254.169.254', 80, 0x48],
    ['a name that is nobody', 'nobody.invalid', 80, 0x42],
  ])('by a CONNECT to %s gets the reason', async (_, host, port, reason) => {
    const { client } = await begin();
    client.connect(1, { host, port });
    expect(await client.reason(1)).toBe(reason);
  });

  test('by a CONNECT for a number that is in use loses that stream, and no other one', async () => {
    const { client, echo } = await begin();
    client.connect(1, echo);
    client.connect(2, echo);
    client.connect(1, echo);
    expect(await client.reason(1)).toBe(0x41);
    client.data(2, 'x');
    await client.read(2, 1);
    client.connect(1, echo);
    client.data(1, 'again');
    expect(String(await client.read(1, 5))).toBe('again');
  });

  test('by a flood of CONNECT gets as many streams as a session may have, and an answer to each', async () => {
    const started = await startWispServer({ limits: { channelsPerSession: 16 } });
    const client = await WispClient.begin(started.urlOf('alice'));
    const unread = await startUnread();
    for (let stream = 1; stream <= 2_000; stream++) client.connect(stream, unread);
    await until('all others are refused', () => client.packets.length === 2_000 - 16);
    expect(new Set(client.packets.map(({ type, payload }) => `${type} ${payload.toString('hex')}`))).toEqual(
      new Set(['4 49']),
    );
    await until('those are open', () => started.server.channelCount === 16);
  });

  test('by no end of packets on a stream beyond its window loses that stream, as throttled', async () => {
    const { client, echo } = await begin();
    const unread = await startUnread();
    client.connect(1, unread);
    client.connect(2, echo);
    for (let i = 0; i < 2_000; i++) client.data(1, Buffer.alloc(16_384));
    expect(await client.reason(1)).toBe(0x49);
    client.data(2, 'x');
    await client.read(2, 1);
  });

  test('by no end of bytes, to many destinations that do not read, is read no more, and nobody else waits', async () => {
    const { client, urlOf, echo, server } = await begin();
    const bob = await WispClient.begin(urlOf('bob'));
    const unread = await startUnread();
    for (let stream = 1; stream <= 20; stream++) client.connect(stream, unread);
    await until('all are open', () => server.channelCount === 20);
    // Within the window of each: 240 MiB in all.
    const piece = Buffer.alloc(MIB / 8);
    for (let i = 0; i < 96; i++) for (let stream = 1; stream <= 20; stream++) client.data(stream, piece);
    await untilStill('the server reads no more', () => client.ws.bufferedAmount);
    expect(client.ws.bufferedAmount).toBeGreaterThan(100 * MIB);
    bob.connect(1, echo);
    bob.data(1, 'x');
    await bob.read(1, 1);
  });
});

/** Resolves once `value` is another than at the beginning, and stays as it is. */
async function untilStill(what: string, value: () => number): Promise<void> {
  const first = value();
  let last = first;
  let times = 0;
  await until(what, () => {
    const now = value();
    times = now === last && now !== first ? times + 1 : 0;
    last = now;
    return times === 40;
  });
}

describe('a client of Wisp that does not read', () => {
  test('holds no more than the windows of its streams, and nobody else waits', async () => {
    const { client, urlOf, server } = await begin();
    const source = await startSource('wisp', 512 * MIB);
    client.ws.pause();
    client.connect(1, source);
    const carried = (): number => server.sessions().find(({ user }) => user === 'alice')?.channels[0]?.bytesDown ?? 0;
    await untilStill('nothing more is read for it', carried);
    expect(carried()).toBeLessThan(64 * MIB);
    const bob = await WispClient.begin(urlOf('bob'));
    bob.connect(1, await startSource('bob', MIB));
    expect(new Keystream('bob').next(MIB).equals(await bob.read(1, MIB))).toBe(true);
  });
});

describe('streams of Wisp', () => {
  test('carry bytes both ways unchanged, many beside each other', async () => {
    const { client, echo } = await begin();
    const streams = Array.from({ length: 8 }, (_, i) => i * 1_000_003 + 1);
    const pieces = Array.from({ length: 100 }, (_, i) => new Keystream(`p${i}`).next(1_000 + i * 100));
    for (const stream of streams) client.connect(stream, echo);
    for (const piece of pieces) for (const stream of streams) client.data(stream, piece);
    const whole = Buffer.concat(pieces);
    for (const stream of streams) expect(whole.equals(await client.read(stream, whole.length))).toBe(true);
  });

  test('may send more once the destination has taken what was sent', async () => {
    const { client } = await begin();
    let release = (): void => {};
    const slow = await listen((socket) => {
      socket.pause();
      release = () => socket.resume();
    });
    client.connect(1, slow);
    // More than sockets and windows hold.
    const grants = (): number =>
      client.packets.filter(({ type, stream }) => type === Type.continue && stream === 1).length;
    for (let i = 0; i < 128; i++) client.data(1, Buffer.alloc(262_144));
    await until('the destination is there', () => slow.sockets.size > 0);
    const before = grants();
    expect(before).toBeLessThan(2);
    release();
    await until('there is a CONTINUE', () => grants() > before);
    expect(client.packets.at(-1)?.payload.readUInt32LE(0)).toBe(128);
  });

  test('end as the destination has ended, behind its last byte', async () => {
    const { client } = await begin();
    client.connect(1, await startSource('end', MIB));
    expect(await client.reason(1)).toBe(0x02);
    expect(new Keystream('end').next(MIB).equals(await client.read(1, MIB))).toBe(true);
  });

  test('say when the destination has reset them, refused them, or was never there', async () => {
    const { client } = await begin();
    const resetting = await listen((socket) => socket.once('data', () => socket.resetAndDestroy()));
    client.connect(1, resetting);
    client.data(1, 'x');
    expect(await client.reason(1)).toBe(0x03);
    const gone = await listen(() => {});
    await gone.close();
    client.connect(2, gone);
    expect(await client.reason(2)).toBe(0x44);
  });

  test.each([
    ['an end', 0x02, ['hello', 'end']],
    ['an error', 0x81, ['hello', 'ECONNRESET']],
  ])('that the client closes by %s are that to the destination, behind what was sent', async (_, reason, expected) => {
    const { client } = await begin();
    const heard: string[] = [];
    const destination = await listen((socket) => {
      socket.on('data', (data) => heard.push(String(data)));
      socket.on('end', () => heard.push('end'));
      socket.on('error', (error: NodeJS.ErrnoException) => heard.push(String(error.code)));
    });
    client.connect(1, destination);
    client.data(1, 'hello');
    // A reset may overtake bytes that nobody has read.
    if (reason === 0x81) await until('the destination has read', () => heard.length === 1);
    client.close(1, reason);
    await until('the destination has heard it', () => heard.length === 2);
    expect(heard).toEqual(expected);
  });

  test('of type UDP carry datagrams, without a CONTINUE', async () => {
    const { client } = await begin();
    const { peer } = await udpDestination();
    client.connect(5, peer, 'udp');
    for (let i = 0; i < 200; i++) {
      client.data(5, `d${i}`);
      expect(String(await client.next(Type.data, 5))).toBe(`echo: d${i}`);
    }
    client.close(5);
    expect(client.packets).toEqual([]);
  });

  test('of type UDP are refused where the server carries none, or the rules deny the peer', async () => {
    const { urlOf } = await startWispServer({ udp: false });
    const client = await WispClient.begin(urlOf('alice'));
    client.connect(1, { port: 53 }, 'udp');
    expect(await client.reason(1)).toBe(0x41);
    const other = await startWispServer({ users: [wispUser('alice')], allowPrivate: false });
    const second = await WispClient.begin(other.urlOf('alice'));
    second.connect(1, { port: 53 }, 'udp');
    expect(await second.reason(1)).toBe(0x48);
  });
});
