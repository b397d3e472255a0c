import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { type AddressInfo, createServer as createTcpServer, Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type ConnectionOptions, connect } from 'node:tls';
import { beforeAll, describe, expect, test } from 'vitest';
import type { Logger } from 'wsproxy-engine';
import { Authority } from 'wsproxy-test-support/authority';
import type { ClusterTls } from '../../src/cluster/cluster-tls.js';
import { formatHanded } from '../../src/cluster/handed.js';
import { createServer, type Server } from '../../src/server.js';
import { makeCertificate } from '../gateway/make-certificate.js';
import { closeWith, Peer, TOKEN } from '../peer.js';

const sha256 = (text: string): string => createHash('sha256').update(text).digest('hex');
const hasOpenssl = makeCertificate() !== undefined;
let tls: ClusterTls;
let strangers: ClusterTls;
let authority: Authority;

describe.runIf(hasOpenssl)('nodes of a cluster', () => {
  beforeAll(() => {
    [authority] = [new Authority('cluster')];
    const other = new Authority('others');
    tls = { ...authority.issue('a'), ca: authority.cert };
    strangers = { ...other.issue('b'), ca: other.cert };
    other.remove();
    return () => authority.remove();
  });

  interface Node {
    readonly server: Server;
    readonly port: number;
    readonly inner: AddressInfo;
    readonly outcomes: string[];
  }

  /** `peers`: of nodes, by what they are called here. */
  async function start(node: string, peers: Readonly<Record<string, number>> = {}, logger?: Logger): Promise<Node> {
    const outcomes: string[] = [];
    const observer = { onHandOn: (outcome: string) => outcomes.push(outcome) };
    const server = createServer({ token: TOKEN, node, allowPrivate: true, observer, ...(logger && { logger }) });
    closeWith(() => server.close());
    const list = Object.entries(peers).map(([name, port]) => `${name}=127.0.0.1:${port}`);
    const inner = await server.listenInner({ port: 0, tls, peers: list });
    const { port } = await server.listen({ port: 0 });
    return { server, port, inner, outcomes };
  }

  const routeTo = ({ server }: Node) => ({ 'wsproxy-route': server.route });

  function temporaryFolder(): string {
    const folder = mkdtempSync(join(tmpdir(), 'w-'));
    closeWith(() => rmSync(folder, { recursive: true }));
    return folder;
  }

  test('hand on to each other what belongs to the other', async () => {
    const owner = await start('b');
    const other = await start('a', { b: owner.inner.port });
    const peer = new Peer();
    await peer.connect(owner.port);
    await peer.connect(other.port, TOKEN, '/', routeTo(owner));
    expect([owner.server.sessionCount, other.server.sessionCount, other.server.passedOn]).toEqual([1, 0, 1]);
  });

  test('say so when a client comes back for a session of one that is not in the list', async () => {
    const warnings: unknown[][] = [];
    const warn = (...line: unknown[]) => warnings.push(line);
    const { port } = await start('a', { b: 1 }, { debug() {}, info() {}, warn, error() {} });
    await new Peer().connect(port, TOKEN, '/', { 'wsproxy-route': 'bee.0123456789ab' });
    const message = 'a client comes back for a session of a server that is not known here';
    expect(warnings).toEqual([[expect.objectContaining({ route: 'bee.0123456789ab' }), message]]);
  });

  test('R6 send nothing in circles, no matter what they take each other for', async () => {
    const first = await start('a');
    // It takes the first one for a third, which that is not, and which in turn nobody knows.
    const second = await start('b', { c: first.inner.port });
    await new Peer().connect(second.port, TOKEN, '/', { 'wsproxy-route': 'c.0123456789ab' });
    expect([first.outcomes, second.outcomes]).toEqual([[], ['passed']]);
    expect(first.server.sessionCount).toBe(1);
  });

  test('find a session by a process that was only handed the connection', async () => {
    const owner = createServer({ token: TOKEN, node: 'b' });
    closeWith(() => owner.close());
    expect(await owner.listenInner({ tls })).toBeUndefined();
    const { port } = await owner.listen({ port: 0 });
    const outside = createTcpServer({ pauseOnConnect: true }, (socket) => owner.handleInnerConnection(socket));
    outside.listen(0, '127.0.0.1');
    closeWith(() => outside.close());
    await once(outside, 'listening');
    const other = await start('a', { b: (outside.address() as AddressInfo).port });
    const peer = new Peer();
    await peer.connect(port);
    await peer.connect(other.port, TOKEN, '/', { 'wsproxy-route': owner.route });
    expect([owner.sessionCount, other.outcomes]).toEqual([1, ['passed']]);
  });

  test.each([
    ['in no cluster', async () => {}],
    ['without a door for other nodes', (server: Server) => server.listenInner({ workers: temporaryFolder() })],
  ])('close what is handed to a server %s', async (_, prepare) => {
    const server = createServer({ token: TOKEN });
    closeWith(() => server.close());
    await prepare(server);
    const socket = new Socket();
    server.handleInnerConnection(socket);
    expect(socket.destroyed).toBe(true);
  });

  test('say 503 of one whose certificate is of another authority', async () => {
    const warnings: unknown[] = [];
    const warn = (_fields: unknown, message: unknown) => warnings.push(message);
    const owner = await start('b');
    const other = await start('a', { b: owner.inner.port }, { debug() {}, info() {}, warn, error() {} });
    other.server.setInnerTls(strangers);
    await expect(new Peer().connect(other.port, TOKEN, '/', routeTo(owner))).rejects.toThrow('503');
    expect(other.outcomes).toEqual(['unanswered']);
    expect(warnings).toEqual([expect.stringContaining('no valid certificate of --cluster-ca')]);
    other.server.setInnerTls(tls);
    await new Peer().connect(other.port, TOKEN, '/', routeTo(owner));
    expect(other.outcomes).toEqual(['unanswered', 'passed']);
  });

  test('let no channel reach an inner door', async () => {
    const { port, inner } = await start('a');
    const peer = new Peer();
    await peer.connect(port);
    expect((await peer.open('127.0.0.1', inner.port)).outcome).toBe('DENIED');
  });

  /** What the inner door of a node says to who knocks there with a request that was judged. */
  async function answerTo(options: ConnectionOptions): Promise<string> {
    const { inner } = await start('a');
    const socket = connect({
      port: inner.port,
      host: '127.0.0.1',
      ca: tls.ca,
      checkServerIdentity: () => undefined,
      ...options,
    });
    closeWith(() => socket.destroy());
    const token = sha256(sha256(TOKEN)).slice(0, 32);
    const handed = formatHanded({ user: { id: 'default', token }, from: {} });
    socket.write(`GET / HTTP/1.1\r\nHost: w\r\nWsproxy-Handed: ${handed}\r\n\r\n`);
    let text = '';
    socket.on('data', (chunk) => {
      text += chunk;
    });
    const failed = new Promise<string>((resolve) => socket.once('error', ({ message }) => resolve(message)));
    return Promise.race([failed, once(socket, 'close').then(() => text)]);
  }

  const NOTHING = /^$/;

  test.each<[who: string, options: () => ConnectionOptions, answer: RegExp]>([
    ['a node', () => tls, /^HTTP\/1\.1 426 /],
    ['who has no certificate', () => ({}), /certificate required/],
    ['who has one of another authority', () => ({ cert: strangers.cert, key: strangers.key }), NOTHING],
    ['who signed it', () => ({ ...makeCertificate(), ca: tls.ca }), NOTHING],
    ['who speaks an older TLS', () => ({ ...tls, maxVersion: 'TLSv1.2' }), /protocol version/],
  ])('R7 answer %s by an inner door', async (_, options, answer) => {
    expect(await answerTo(options())).toMatch(answer);
  });

  test.each<[what: string, change: () => object, message: string]>([
    [
      'a key of another certificate',
      () => ({ key: strangers.key }),
      'clusterKey: the key is not that of the certificate',
    ],
    [
      'an authority that has not issued it',
      () => ({ ca: strangers.ca }),
      'clusterCert: the certificate is not of the authority',
    ],
    ['no authority', () => ({ ca: '' }), 'clusterCa: the client CA is not in PEM form'],
    ['no certificate', () => ({ cert: 'x' }), 'clusterCert: '],
  ])('refuse %s', async (_, change, message) => {
    const server = createServer({ token: TOKEN });
    closeWith(() => server.close());
    await expect(server.listenInner({ port: 0, tls: { ...tls, ...change() } })).rejects.toThrow(message);
    expect(server.passedOn).toBe(0);
  });

  test('refuse peers that cannot be', async () => {
    const server = createServer({ token: TOKEN, node: 'a' });
    closeWith(() => server.close());
    const twice = ['b=h:1', 'b=h:2'];
    await expect(server.listenInner({ port: 0, tls, peers: twice })).rejects.toThrow('peer: b is there twice');
    await expect(server.listenInner({ port: 0, tls, peers: ['b'] })).rejects.toThrow('peer: expected NAME=HOST:PORT');
  });

  test('listen nowhere when they are closed', async () => {
    const server = createServer({ token: TOKEN });
    await server.close();
    await expect(server.listenInner({ port: 0, tls })).rejects.toMatchObject({ code: 'SERVER_CLOSED' });
  });
});
