import { once } from 'node:events';
import { createServer as createTcpServer } from 'node:net';
import { describe, expect, test } from 'vitest';
import type { Target } from 'wsproxy-engine';
import { udpDestination } from 'wsproxy-test-support/destinations/udp-destination';
import { FlowRecorder } from 'wsproxy-test-support/engine/flow-recorder';
import type { FlowRecord } from '../../src/observe/observer.js';
import type { ServerOptions } from '../../src/options/server-options.js';
import { createServer } from '../../src/server.js';
import { closeWith, Peer, TOKEN, until } from '../peer.js';

/** A server that listens, and a client of it over a real WebSocket. */
async function start(options: Partial<ServerOptions> = {}) {
  const records: FlowRecord[] = [];
  const server = createServer({
    ...(options.users === undefined && { token: TOKEN }),
    allowPrivate: true,
    observer: { onFlowOver: (record) => records.push(record) },
    ...options,
  });
  const { port } = await server.listen({ port: 0 });
  closeWith(() => server.close());
  const peer = new Peer();
  const ws = await peer.connect(port);
  return { server, port, peer, ws, records };
}

/** Asks for a flow, and has the answer. */
async function ask({ session }: Peer, target?: Target): Promise<FlowRecorder> {
  const recorder = new FlowRecorder();
  recorder.take(session.openFlow(target, recorder));
  await until(() => recorder.events.length > 0);
  return recorder;
}

const outcomeOf = (recorder: FlowRecorder): string | undefined =>
  recorder.events.find((each) => !each.startsWith('over'));

describe('a server', () => {
  test('carries datagrams, and tells of them', async () => {
    const { peer: destination } = await udpDestination();
    const { server, peer, records } = await start();
    expect(server.hasFlows).toBe(true);
    const flow = await ask(peer);
    flow.say('hello', destination);
    await until(() => flow.texts.length === 1);
    expect([flow.texts, flow.datagrams[0]?.from]).toEqual([['echo: hello'], destination]);
    expect(server.sessions()[0]?.flows).toMatchObject([{ datagramsUp: 1, datagramsDown: 1, bytesDown: 11 }]);
    flow.flow.close();
    await until(() => records.length === 1);
    expect(records).toMatchObject([{ user: 'default', outcome: 'ok', datagramsUp: 1, datagramsDown: 1 }]);
    expect(server.sessions()[0]?.flows).toEqual([]);
  });

  test('keeps the port of a flow over the loss of a hundred WebSockets', async () => {
    const { peer: destination, heard } = await udpDestination();
    const { port, peer } = await start();
    let { ws } = { ws: await peer.connect(port) };
    const flow = await ask(peer);
    for (let i = 0; i < 100; i += 1) {
      flow.say(`${i}`, destination);
      await until(() => flow.texts.includes(`echo: ${i}`));
      ws.terminate();
      ws = await peer.connect(port);
    }
    expect(new Set(heard.map((each) => each.split(' from ')[1])).size).toBe(1);
    expect(new Set(heard).size).toBe(heard.length);
  });

  test.each<[string, Partial<ServerOptions>]>([
    ['that is told so', { udp: false }],
    ['that reaches destinations through a proxy', { egress: { upstream: 'socks5://127.0.0.1:9' } }],
    ['with a dialer, and no say on flows', { dialer: ({ direct }) => direct() }],
  ])('%s carries no datagrams', async (_, options) => {
    const { server, peer } = await start(options);
    expect(server.hasFlows).toBe(false);
    expect(outcomeOf(await ask(peer))).toBe('fail UNSUPPORTED');
  });

  test('with a dialer carries those that acceptFlow lets through', async () => {
    const { peer: destination } = await udpDestination();
    const { peer } = await start({
      dialer: ({ direct }) => direct(),
      acceptFlow: ({ user, port }) => user.id === 'default' && port === destination.port,
    });
    expect(outcomeOf(await ask(peer, destination))).toBe('open');
    expect(outcomeOf(await ask(peer, { ...destination, port: 9 }))).toBe('fail DENIED');
    expect(outcomeOf(await ask(peer))).toBe('fail DENIED');
  });

  test('asks the policy of the embedding program about datagrams, too', async () => {
    const { peer: destination, heard } = await udpDestination();
    const asked: string[] = [];
    const { peer } = await start({
      policy: ({ protocol, address, port }) => {
        asked.push(`${protocol} ${address} ${port}`);
        return port === destination.port;
      },
    });
    const flow = await ask(peer);
    flow.say('no', { host: '127.0.0.1', port: 9 });
    flow.say('yes', destination);
    await until(() => heard.length === 1);
    expect(asked).toEqual(['udp 127.0.0.1 9', `udp 127.0.0.1 ${destination.port}`]);
  });

  test('never sends datagrams to where it listens itself', async () => {
    const { port, peer } = await start();
    expect(outcomeOf(await ask(peer, { host: '127.0.0.1', port }))).toBe('fail DENIED');
    expect(outcomeOf(await ask(peer, { host: '::ffff:127.0.0.1', port }))).not.toBe('open');
  });

  test('judges by the rules of a user for UDP, and anew when they are changed', async () => {
    const { createHash } = await import('node:crypto');
    const tokenSha256 = createHash('sha256').update(TOKEN).digest('hex');
    const { peer: destination, heard } = await udpDestination();
    const users = (allow: string) => [{ id: 'alice', tokenSha256, policy: { allow: [allow], allowPrivate: false } }];
    const { server, peer } = await start({ users: users('127.0.0.0/8/udp') });
    const flow = await ask(peer);
    flow.say('a', destination);
    await until(() => flow.texts.length === 1);
    const tcp = createTcpServer().listen(0, '127.0.0.1');
    closeWith(() => tcp.close());
    await once(tcp, 'listening');
    const address = tcp.address();
    const tcpPort = typeof address === 'object' && address !== null ? address.port : 0;
    expect((await peer.open('127.0.0.1', tcpPort)).outcome).toBe('DENIED');
    server.setUsers(users('127.0.0.0/8/tcp'));
    flow.say('b', destination);
    await until(() => Object.keys(server.sessions()[0]?.flows[0]?.dropped ?? {}).length > 0);
    expect(server.sessions()[0]?.flows[0]?.dropped).toEqual({ denied: 1 });
    expect(heard).toHaveLength(1);
  });

  test('lets nobody reach inside by datagrams: nothing arrives, no matter what is asked for', async () => {
    const canary = await udpDestination();
    const { port } = canary.peer;
    const { peer, server } = await start({ allowPrivate: false });
    const flow = await ask(peer);
    const hosts = [
      '127.0.0.1',
      '::1',
      '::ffff:127.0.0.1',
      '0.0.0.0',
      '::',
      'localhost',
      '127.1',
      '2130706433',
      '10.0.0.1',
    ];
    const more = ['169.254.169.254', '224.0.0.1', '255.255.255.255', 'ff02::1', '64:ff9b::7f00:1', '2002:7f00:1::'];
    for (const host of [...hosts, ...more]) flow.say('reflect', { host, port });
    const dropped = () => server.sessions()[0]?.flows[0]?.dropped.denied ?? 0;
    // Spellings that are no name and no address do not leave the client.
    await until(() => dropped() >= 12);
    expect(canary.heard).toEqual([]);
    expect(server.sessions()[0]?.flows[0]).toMatchObject({ datagramsUp: 0 });
  });
});
