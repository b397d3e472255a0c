import { hostname, networkInterfaces } from 'node:os';
import { describe, expect, test } from 'vitest';
import { startEcho } from 'wsproxy-test-support/destinations/echo';
import { effort } from 'wsproxy-test-support/engine/effort';
import { addressBytes } from 'wsproxy-test-support/sockets/address-bytes';
import { askByAddress, askConnect, askSocks4a, askSocks5 } from 'wsproxy-test-support/sockets/application';
import { type Listener, listen } from 'wsproxy-test-support/sockets/listen';
import { type Answer, type DnsRecord, startNameserver } from 'wsproxy-test-support/sockets/nameserver';
import { startTunnel } from 'wsproxy-test-support/tunnel';

/** The one address that the servers of these tests may dial: it stands for the Internet. */
const PUBLIC = '127.77.0.1';

const WAYS = { socks4a: askSocks4a, socks5: askSocks5, connect: askConnect } as const;
const DENIED = { socks4a: 91, socks5: 2, connect: 403 };
const NO_SUCH_NAME = { socks4a: 91, socks5: 4, connect: 502 };
const MALFORMED = { socks4a: 91, socks5: 4, connect: 400 };
const CONNECTED = { socks4a: 90, socks5: 0, connect: 200 };

/** An answer with these addresses, or a chain of names that ends with the last. */
const to = (...values: string[]): Answer => ({ records: values.map((value) => ({ value })) });
function chain(length: number, last: string): Answer {
  const records: DnsRecord[] = [{ value: 'hop0.test' }];
  for (let hop = 0; hop < length - 1; hop += 1) records.push({ name: `hop${hop}.test`, value: `hop${hop + 1}.test` });
  return { records: [...records, { name: `hop${length - 1}.test`, value: last }] };
}

/** How often a name is asked for that changes its mind. */
const REBINDINGS = effort('REBINDINGS', 2_000);
const METADATA = '169.254.169.254';
const ZONE: Readonly<Record<string, Answer>> = {
  'good.test': to(PUBLIC),
  'loopback.test': to('127.0.0.1'),
  'loopback6.test': to('::1'),
  'private.test': to('10.0.0.1'),
  'metadata.test': to(METADATA),
  'metadata6.test': to('fd00:ec2::254'),
  'unique-local.test': to('fd00::1'),
  'mapped.test': to('::ffff:10.0.0.1'),
  'mapped-loopback.test': to('::ffff:127.0.0.1'),
  'unspecified.test': to('0.0.0.0'),
  'unspecified6.test': to('::'),
  'nat64.test': to('64:ff9b::7f00:1'),
  '6to4.test': to('2002:7f00:1::'),
  'compatible.test': to('::127.0.0.1'),
  'many.test': to(...Array.from({ length: 20 }, (_, i) => `127.0.1.${i}`), '::1'),
  'chain.test': chain(1, '127.0.0.1'),
  'long-chain.test': chain(20, '127.0.0.1'),
  'loop.test': { records: [{ value: 'again.test' }, { name: 'again.test', value: 'loop.test' }] },
  'no-data.test': to(),
  'nxdomain.test': 'NXDOMAIN',
  'servfail.test': 'SERVFAIL',
  'garbage.test': 'garbage',
  'truncated.test': 'truncated',
  localhost: to('127.0.0.1'),
  'foo.localhost': to('127.0.0.1'),
  'service.internal': to('10.0.0.1'),
  'metadata.google.internal': to(METADATA),
  '_under_score.test': to('127.0.0.1'),
  'xn--nxasmq6b.test': to('127.0.0.1'),
  [`${'a'.repeat(63)}.test`]: to('127.0.0.1'),
};

/** Listeners on forbidden addresses, and one on the allowed one, all at one port. */
async function startCanaries() {
  const touched: string[] = [];
  const bark = (address: string, port?: number): Promise<Listener> =>
    listen(
      (socket) => {
        touched.push(address);
        socket.destroy();
      },
      { host: address, ...(port !== undefined && { port }) },
    );
  const { port } = await bark('127.0.0.1');
  const own = Object.values(networkInterfaces()).flatMap((infos) => infos ?? []);
  const addresses = new Set(['::1', ...own.map(({ address }) => address).filter((one) => !/^(127\.|fe80)/.test(one))]);
  for (const address of addresses) await bark(address, port);
  await startEcho({ host: PUBLIC, port });
  return { port, touched, addresses: ['127.0.0.1', ...addresses] };
}

/** A tunnel that leads to the canaries. */
const startOpen = ({ addresses }: { readonly addresses: readonly string[] }) =>
  startTunnel({ server: { allow: addresses, limits: { failedDialsBurst: REBINDINGS } } });

async function prepare(isThroughUpstream: boolean, answer = (name: string): Answer => ZONE[name] ?? 'NXDOMAIN') {
  const canaries = await startCanaries();
  const nameserver = await startNameserver(answer);
  // A proxy that would dial anything.
  const upstream = isThroughUpstream ? `http://127.0.0.1:${(await startOpen(canaries)).port}` : undefined;
  const { port } = await startTunnel({
    server: {
      allowPrivate: false,
      allow: [PUBLIC],
      limits: { failedDialsBurst: REBINDINGS },
      egress: { nameservers: [nameserver.address], ...(upstream !== undefined && { upstream }) },
    },
  });
  const ask = async (host: string, way: keyof typeof WAYS) => {
    const [reply, socket] = await WAYS[way](port, host, canaries.port);
    socket.destroy();
    return reply;
  };
  const askAll = async (host: string) => ({
    socks4a: await ask(host, 'socks4a'),
    socks5: await ask(host, 'socks5'),
    connect: await ask(host, 'connect'),
  });
  /** Without a name: the address as SOCKS5 and SOCKS4 have it. */
  const askByBytes = async (address: Buffer) => {
    const versions = address.length === 4 ? ([5, 4] as const) : ([5] as const);
    const asked = versions.map(async (version) => {
      const [reply, socket] = await askByAddress(version, port, address, canaries.port);
      socket.destroy();
      return reply;
    });
    return Promise.all(asked);
  };
  return { ...canaries, askAll, ask, askByBytes, nameserver };
}

describe.each([
  ['directly', false],
  ['through an upstream proxy that dials anything', true],
])('a server that dials %s', (_, isThroughUpstream) => {
  test('reaches what is allowed, and canaries bark when it is', async () => {
    const { askAll, port, addresses, touched } = await prepare(isThroughUpstream);
    expect(await askAll('good.test')).toEqual(CONNECTED);
    expect(await askAll(PUBLIC)).toEqual(CONNECTED);
    expect(touched).toEqual([]);
    const open = await startOpen({ addresses });
    for (const address of addresses) (await askSocks5(open.port, address, port))[1].destroy();
    expect(touched).toEqual(addresses);
    console.log(`canaries bark on ${addresses.join(' ')}`);
  });

  test.each([
    '127.0.0.1',
    '127.0.0.1.',
    '::1',
    '0:0:0:0:0:0:0:1',
    '::ffff:127.0.0.1',
    '::ffff:7f00:1',
    '::127.0.0.1',
    '64:ff9b::7f00:1',
    '2002:7f00:1::',
    '0.0.0.0',
    '::',
    METADATA,
    '::ffff:169.254.169.254',
    'fd00:ec2::254',
    '168.63.129.16',
    '10.0.0.1',
    'fc00::1',
    '224.0.0.1',
    '255.255.255.255',
  ])('H1 refuses the address %s', async (host) => {
    const { askAll, askByBytes, touched, nameserver } = await prepare(isThroughUpstream);
    expect(await askAll(host)).toEqual(DENIED);
    const bytes = addressBytes(host);
    // SOCKS4 reads 0.0.0.0 as malformed.
    if (bytes !== undefined) expect([[2, 91], [2]]).toContainEqual(await askByBytes(bytes));
    expect(nameserver.questions).toEqual([]);
    expect(touched).toEqual([]);
  });

  test.each([
    '127.0.0.1\0.example.com',
    '127.1',
    '2130706433',
    '0x7f.1',
    '0177.0.0.1',
    '１２７.０.０.１',
    '127。0。0。1',
    'ⓛocalhost',
    'loc\u{ad}alhost',
    'fe80::1%lo',
    `${'a'.repeat(64)}.test`,
    'bücher.test',
  ])('H1 H10 refuses %j, and asks nobody for it', async (host) => {
    const { askAll, touched, nameserver } = await prepare(isThroughUpstream);
    expect(await askAll(host)).toEqual(MALFORMED);
    expect(nameserver.questions).toEqual([]);
    expect(touched).toEqual([]);
  });

  test.each([
    ['H2', 'loopback.test'],
    ['H2', 'loopback6.test'],
    ['H2', 'private.test'],
    ['H2', 'metadata.test'],
    ['H2', 'metadata6.test'],
    ['H2', 'unique-local.test'],
    ['H2', 'mapped.test'],
    ['H2', 'mapped-loopback.test'],
    ['H2', 'unspecified.test'],
    ['H2', 'unspecified6.test'],
    ['H2', 'nat64.test'],
    ['H2', '6to4.test'],
    ['H2', 'compatible.test'],
    ['H2', 'many.test'],
    ['H5', 'chain.test'],
    ['H5', 'long-chain.test'],
    ['H10', '_under_score.test'],
    ['H10', 'xn--nxasmq6b.test'],
    ['H10', 'LoopBack.TEST.'],
    ['H10', `${'a'.repeat(63)}.test`],
    ['H11', 'localhost'],
    ['H11', 'foo.localhost'],
    ['H11', 'service.internal'],
    ['H11', 'metadata.google.internal'],
  ])('%s refuses the name %s by its address', async (_row, name) => {
    const { askAll, touched, nameserver } = await prepare(isThroughUpstream);
    expect(await askAll(name)).toEqual(DENIED);
    expect(new Set(nameserver.questions)).toEqual(new Set([name.toLowerCase().replace(/\.$/, '')]));
    expect(touched).toEqual([]);
  });

  test.each([
    ['H5', 'loop.test'],
    ['H6', 'no-data.test'],
    ['H6', 'nxdomain.test'],
    ['H6', 'servfail.test'],
    ['H6', 'truncated.test'],
  ])('%s finds no address of %s', async (_row, name) => {
    const { askAll, touched } = await prepare(isThroughUpstream);
    expect(await askAll(name)).toEqual(NO_SUCH_NAME);
    expect(touched).toEqual([]);
  });

  test('H4 never dials the private side of a name that changes its mind', async () => {
    let turn = 0;
    const { ask, touched, nameserver } = await prepare(isThroughUpstream, () => {
      turn += 1;
      // Each family is asked: two questions a lookup.
      return to((turn >> 1) % 2 === 0 ? PUBLIC : '127.0.0.1', '::1');
    });
    const replies: number[] = [];
    for (let round = 0; round < REBINDINGS / 50; round += 1) {
      replies.push(...(await Promise.all(Array.from({ length: 50 }, () => ask('rebinding.test', 'socks5')))));
    }
    expect(new Set(replies)).toEqual(new Set([CONNECTED.socks5, DENIED.socks5]));
    expect(nameserver.questions.length).toBeGreaterThanOrEqual(2 * REBINDINGS);
    expect(touched).toEqual([]);
    const denied = replies.filter((reply) => reply === DENIED.socks5).length;
    console.log(`${replies.length} times a name that rebinds: ${denied} denied, ${touched.length} canaries touched`);
  });

  test("H15 refuses the server's own addresses", async () => {
    const { askAll, addresses, touched } = await prepare(isThroughUpstream);
    for (const address of addresses) {
      expect(await askAll(address)).toEqual(DENIED);
    }
    expect(touched).toEqual([]);
  });
});

test("H11 refuses the server's own name, as the system resolves it", async () => {
  const { port, touched } = await startCanaries();
  const tunnel = await startTunnel({ server: { allowPrivate: false } });
  const [reply, socket] = await askSocks5(tunnel.port, hostname(), port);
  socket.destroy();
  expect([DENIED.socks5, NO_SUCH_NAME.socks5]).toContain(reply);
  expect(touched).toEqual([]);
});
