import { readFileSync } from 'node:fs';
import { networkInterfaces } from 'node:os';
import { describe, expect, test } from 'vitest';
import type { ServerOptions } from 'wsproxy-server';
import { startDatagramEcho } from 'wsproxy-test-support/destinations/datagram-echo';
import { effort } from 'wsproxy-test-support/engine/effort';
import { start } from 'wsproxy-test-support/programs/command-line';
import { bindDatagrams } from 'wsproxy-test-support/sockets/datagram-socket';
import { type Answer, startNameserver } from 'wsproxy-test-support/sockets/nameserver';
import { associate, encodeSocksDatagram, type Peer } from 'wsproxy-test-support/sockets/socks-association';
import { startTunnel } from 'wsproxy-test-support/tunnel';
import { until } from 'wsproxy-test-support/until';

/** The one address that the servers of these tests may send to: it stands for the Internet. */
const PUBLIC = '127.77.0.1';
const METADATA = '169.254.169.254';
const REBINDINGS = effort('REBINDINGS', 2_000);
const DESTINATIONS = effort('DESTINATIONS', 20_000);
const MIB = 1024 * 1024;

/** A tunnel to an echo at an address that is allowed, and an application with an association. */
async function prepare(
  answer: (name: string, family: 4 | 6) => Answer = () => 'NXDOMAIN',
  options: Partial<ServerOptions> = { allowPrivate: false, allow: [PUBLIC] },
) {
  const [echo, nameserver] = await Promise.all([startDatagramEcho({ host: PUBLIC }), startNameserver(answer)]);
  const tunnel = await startTunnel({
    server: { ...options, egress: { nameservers: [nameserver.address] } },
  });
  return { ...(await startApplication(tunnel.port, { host: PUBLIC, port: echo.port })), echo, nameserver, tunnel };
}

async function startApplication(proxyPort: number, echo: Peer) {
  const heard: { readonly text: string; readonly from: Peer }[] = [];
  const association = await associate(proxyPort, (data, from) => heard.push({ text: data.toString('latin1'), from }));
  let questions = 0;
  /** A datagram comes back from the echo: anything that was sent before has had its effect. */
  const ask = async (): Promise<void> => {
    questions += 1;
    const text = `question ${questions}`;
    await until('the echo answers', async () => {
      await association.send(Buffer.from(text), echo);
      return heard.some((each) => each.text === text);
    });
  };
  await ask();
  return { association, heard, ask };
}

/** Sockets at every address that may not be sent to, at the port of what may, and what comes to them. */
async function startCanaries(port: number) {
  const touched: string[] = [];
  const own = Object.values(networkInterfaces()).flatMap((infos) => infos ?? []);
  const addresses = new Set(['127.0.0.1', '::1', ...own.map(({ address }) => address)]);
  const watched = [...addresses].filter((address) => !address.startsWith('fe80'));
  for (const host of watched) {
    await bindDatagrams((data) => touched.push(`${host}: ${data.toString('latin1')}`), { host, port });
  }
  return { touched, addresses: watched };
}

/** What an application may write in the place of an address. */
const FORBIDDEN: readonly string[] = [
  ...['127.0.0.1', '::1', '::ffff:127.0.0.1', '::127.0.0.1', '64:ff9b::7f00:1', '2002:7f00:1::', '0.0.0.0', '::'],
  ...[METADATA, '::ffff:169.254.169.254', 'fd00:ec2::254', '10.0.0.1', 'fc00::1'],
  // Everybody on the link, or in a group.
  ...['255.255.255.255', '127.255.255.255', '224.0.0.1', 'ff02::1'],
];
const ZONE: Readonly<Record<string, Answer>> = {
  'good.test': { records: [{ value: PUBLIC }] },
  'loopback.test': { records: [{ value: '127.0.0.1' }] },
  'loopback6.test': { records: [{ value: '::1' }] },
  'metadata.test': { records: [{ value: METADATA }] },
  'nat64.test': { records: [{ value: '64:ff9b::7f00:1' }] },
  localhost: { records: [{ value: '127.0.0.1' }] },
};

describe('datagrams', () => {
  test('reach anyone who the server lets them: the silence of the others says something', async () => {
    const { association, ask, echo, heard } = await prepare(undefined, { allowPrivate: true, udpFilter: 'none' });
    const { touched, addresses } = await startCanaries(echo.port);
    for (const host of addresses) await association.send(Buffer.from('to you'), { host, port: echo.port });
    await ask();
    expect(touched.sort()).toEqual(addresses.map((address) => `${address}: to you`).sort());
    const [flow = ''] = echo.senders;
    const [host = '', port = ''] = flow.split(':');
    const stranger = await bindDatagrams(undefined, { host: '127.77.0.2' });
    await stranger.send(Buffer.from('unasked'), Number(port), host);
    await until('it is heard', () => heard.some(({ text }) => text === 'unasked'));
  });

  test('N1 from the one who has not asked for a relay socket go nowhere', async () => {
    const { association, ask, echo, heard } = await prepare();
    const strangers = await Promise.all([bindDatagrams(), bindDatagrams(undefined, { host: '127.0.0.2' })]);
    const forged = encodeSocksDatagram(Buffer.from('forged'), { host: PUBLIC, port: echo.port });
    for (const stranger of strangers) {
      for (let n = 0; n < 20; n += 1) await stranger.send(forged, association.relay.port, association.relay.host);
    }
    await ask();
    expect(heard.filter(({ text }) => text === 'forged')).toEqual([]);
    expect(echo.senders.size).toBe(1);
  });

  test('N1 from another machine do not become the first of a relay socket', async () => {
    const { tunnel, echo } = await prepare();
    const peer = { host: PUBLIC, port: echo.port };
    const heard: string[] = [];
    const association = await associate(tunnel.port, (data) => heard.push(data.toString()));
    const stranger = await bindDatagrams(undefined, { host: '127.0.0.2' });
    const forged = encodeSocksDatagram(Buffer.from('forged'), peer);
    await stranger.send(forged, association.relay.port, association.relay.host);
    await until('the application is served', async () => {
      await association.send(Buffer.from('mine'), peer);
      return heard.length > 0;
    });
    expect(new Set(heard)).toEqual(new Set(['mine']));
  });

  test('N2 with a fragment number, a header that is cut, or one that is none are dropped', async () => {
    const { association, ask, echo, heard } = await prepare();
    const before = heard.length;
    for (const bytes of malformedDatagrams({ host: PUBLIC, port: echo.port })) await association.sendRaw(bytes);
    await ask();
    expect(heard.slice(before).filter(({ text }) => !text.startsWith('question'))).toEqual([]);
  });

  test('N3 to 127.0.0.1, metadata, NAT64 and the like, by any spelling, reach nobody', async () => {
    const { association, ask, echo, heard, nameserver } = await prepare((name) => ZONE[name] ?? 'NXDOMAIN');
    const { touched, addresses } = await startCanaries(echo.port);
    const names = Object.keys(ZONE);
    for (const host of [...FORBIDDEN, ...addresses, ...FORBIDDEN.map(asName), ...names].flat()) {
      await association.send(Buffer.from(`to ${host}`), { host, port: echo.port });
    }
    await until('all names are looked up', () => names.every((name) => nameserver.questions.includes(name)));
    await until('what may be sent arrives', () => heard.some(({ text }) => text === 'to good.test'));
    await ask();
    expect(touched).toEqual([]);
    expect(heard.filter(({ text }) => text.startsWith('to '))).toEqual([
      { text: 'to good.test', from: { host: 'good.test', port: echo.port } },
    ]);
  });

  test('N4 to a name that changes its mind go where it led first, or nowhere', async () => {
    let turn = 0;
    const { association, tunnel, echo, heard } = await prepare((_name, family) => {
      if (family === 6) return { records: [{ value: '::1' }] };
      turn += 1;
      return { records: [{ value: turn % 2 === 1 ? PUBLIC : '127.0.0.1' }] };
    });
    const { touched } = await startCanaries(echo.port);
    const peer = { host: 'rebinding.test', port: echo.port };
    for (let n = 0; n < REBINDINGS; n += 1) await association.send(Buffer.from('again'), peer);
    const before = heard.length;
    await until('the name is answered for', async () => {
      await association.send(Buffer.from('again'), peer);
      return heard.length > before;
    });
    expect(turn).toBe(1);
    // Each association has it looked up for itself.
    for (let n = 0; n < 20; n += 1) {
      const answers: Buffer[] = [];
      const other = await associate(tunnel.port, (data) => answers.push(data));
      const lookups = turn;
      for (let datagram = 0; datagram < 10; datagram += 1) await other.send(Buffer.from('again'), peer);
      await until('it was looked up', () => turn > lookups);
      if (turn % 2 === 1) await until('it is answered', () => answers.length > 0);
      other.control.destroy();
    }
    expect(turn).toBe(21);
    expect(touched).toEqual([]);
  });

  test('N5 that nobody asked for are passed on to nobody, and answered by nobody', async () => {
    const { ask, echo, heard } = await prepare();
    const canaries = await startCanaries(echo.port);
    const [flow = ''] = echo.senders;
    const [host = '', port = ''] = flow.split(':');
    const back: string[] = [];
    const reflector = await bindDatagrams((data) => back.push(data.toString()), { host: '127.77.0.2' });
    const before = heard.length;
    for (let n = 0; n < 100; n += 1) await reflector.send(Buffer.from('unasked'), Number(port), host);
    await ask();
    expect(heard.slice(before).map(({ text }) => text)).not.toContain('unasked');
    expect(back).toEqual([]);
    expect(canaries.touched).toEqual([]);
  });

  test('N6 to more destinations than anybody has leave the memory of both ends as it was', async () => {
    const echo = await startDatagramEcho({ host: '127.0.0.1' });
    const server = await start('wsproxy-server', ['--allow-private', '--no-access-log']);
    const client = await start('wsproxy-client', [`ws://127.0.0.1:${server.port}/`]);
    const pids = [server, client].map(({ program }) => program.pid);
    const { association, ask } = await startApplication(client.port, { host: '127.0.0.1', port: echo.port });
    let sent = 0;
    const sendTo = async (destinations: number) => {
      for (const end = sent + destinations; sent < end; sent += 1) {
        const host = `127.${100 + (sent >> 16)}.${(sent >> 8) & 0xff}.${sent & 0xff}`;
        await association.send(Buffer.alloc(100), { host, port: 9 });
        // As fast as both ends take them, and no faster: what is dropped on the way costs nothing.
        if (sent % 1_000 === 0) await ask();
      }
      await ask();
    };
    // What the heap of a program takes once, and keeps, it has then.
    await sendTo(DESTINATIONS);
    const before = pids.map(residentBytes);
    await sendTo(2 * DESTINATIONS);
    const growth = pids.map((pid, index) => (residentBytes(pid) - (before[index] ?? 0)) / MIB);
    console.log(
      `${sent} destinations: ${growth.map((each) => each.toFixed(1)).join(' and ')} MiB more, server and client`,
    );
    for (const each of growth) expect(each).toBeLessThan(32);
  });
});

/** The same address as text in the place of a name. */
function asName(address: string): string {
  return `${address}.`;
}

/** Every header that ends too early, every fragment number, every kind of address that is none, names that are none. */
function malformedDatagrams(peer: Peer): Buffer[] {
  const whole = encodeSocksDatagram(Buffer.from('malformed'), peer);
  const named = encodeSocksDatagram(Buffer.from('malformed'), { host: 'name.test', port: peer.port });
  const cut = [whole.subarray(0, 10), named.subarray(0, 16)].flatMap((header) =>
    Array.from(header, (_, length) => header.subarray(0, length)),
  );
  const fragments = Array.from({ length: 255 }, (_, n) => encodeSocksDatagram(Buffer.from('fragment'), peer, n + 1));
  const kinds = Array.from({ length: 256 }, (_, kind) => kind).filter((kind) => ![1, 3, 4].includes(kind));
  const unknown = kinds.map((kind) => Buffer.concat([Buffer.of(0, 0, 0, kind), whole.subarray(4)]));
  const names = ['', '\0', 'a\0b.test', '..', 'x'.repeat(255), '%', '\xff'].map((host) =>
    Buffer.concat([
      Buffer.of(0, 0, 0, 3, host.length),
      Buffer.from(host, 'latin1'),
      Buffer.of(peer.port >> 8, peer.port & 0xff),
      Buffer.from('odd name'),
    ]),
  );
  const portless = encodeSocksDatagram(Buffer.from('no port'), { ...peer, port: 0 });
  return [...cut, ...fragments, ...unknown, ...names, portless];
}

function residentBytes(pid: number): number {
  return Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]) * 1024;
}
