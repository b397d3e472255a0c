import { createHash } from 'node:crypto';
import { connect, type Socket } from 'node:net';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import type { Client, ClientOptions, RemoteForwardOptions } from 'wsproxy-client';
import type { ServerOptions } from 'wsproxy-server';
import { startEcho } from 'wsproxy-test-support/destinations/echo';
import { udpDestination } from 'wsproxy-test-support/destinations/udp-destination';
import { chooseSeed, Dice } from 'wsproxy-test-support/dice';
import { effort } from 'wsproxy-test-support/engine/effort';
import { connectTo, readBytes, readToEnd } from 'wsproxy-test-support/sockets/application';
import { CuttingRelay, startCuttingRelay } from 'wsproxy-test-support/sockets/cutting-relay';
import { bindDatagrams } from 'wsproxy-test-support/sockets/datagram-socket';
import { listen } from 'wsproxy-test-support/sockets/listen';
import { temporaryFolder } from 'wsproxy-test-support/temporary-folder';
import { exchange, startPartner } from 'wsproxy-test-support/traffic';
import { startClient, startServer } from 'wsproxy-test-support/tunnel';
import { until } from 'wsproxy-test-support/until';

const HOST = '127.0.0.1';
const CUTS = effort('KILLS', 12);

/** A server that lets clients listen, and clients of it that go through a relay which cuts as the test says. */
async function prepare(options: Partial<ServerOptions> = {}) {
  const { server, port } = await startServer({ reverse: true, ...options });
  const relay = await new CuttingRelay(port).start();
  const newClient = async (more: Partial<ClientOptions> = {}, through = relay.port): Promise<Client> =>
    (await startClient(through, more)).client;
  return { server, serverPort: port, relay, newClient };
}

/** A target that answers each connection with a word and its end. */
async function startSaying(word: string): Promise<string> {
  const { port } = await listen((socket) => socket.end(word));
  return `${HOST}:${port}`;
}

/** What somebody hears who comes to the port. */
async function hear(port: number): Promise<string> {
  const socket = await connectTo(port);
  const chunks: Buffer[] = [];
  await readToEnd(socket, (chunk) => chunks.push(chunk));
  socket.end();
  return Buffer.concat(chunks).toString();
}

describe('connections to a port of the server', () => {
  test('reach the target of the client byte for byte, while the WebSocket is cut again and again', async () => {
    const seed = chooseSeed();
    const { serverPort } = await prepare();
    const kinds = Array.from({ length: CUTS }, (_, n) => (['reset', 'end'] as const)[n % 2] ?? 'reset');
    const relay = await startCuttingRelay({ to: serverPort, every: 256 * 1024, kinds });
    const { client } = await startClient(relay.port);
    const partner = await startPartner();
    const { address } = await client.forwardRemote({ port: 0, target: `${HOST}:${partner.port}` });
    const direct = (port: number): Promise<Socket> => connectTo(port);
    // As much as there are cuts, and some more.
    const whole = (CUTS * 2 ** 20) / 12;
    const sizes = Array.from({ length: 8 }, (_, n) => new Dice(`${seed} ${n}`).between(0, whole));
    await Promise.all(
      sizes.map((size, n) =>
        exchange(direct, address?.port ?? 0, 0, {
          ...{ kind: n % 2 === 0 ? 'both' : 'after', seed: `${seed} ${n}` },
          ...{ up: size, down: Math.round(whole) - size, pause: 0 },
        }),
      ),
    );
    expect(relay.cuts, `seed ${seed}`).toBe(CUTS);
  });

  test('that are made while the client is away are served when it is back', async () => {
    const { relay, newClient } = await prepare();
    const client = await newClient();
    const forward = await client.forwardRemote({ port: 0, target: await startSaying('served') });
    const port = forward.address?.port ?? 0;
    await relay.stop();
    await until('the client is away', () => client.state !== 'online');
    const heard = Promise.all([hear(port), hear(port)]);
    await relay.start();
    expect(await heard).toEqual(['served', 'served']);
    expect(forward.state).toBe('listening');
  });

  test('go on, and new ones come again, when another process takes the place of a server that drains', async () => {
    const { server, relay, newClient } = await prepare();
    const client = await newClient();
    const echo = await startEcho();
    const forward = await client.forwardRemote({ port: 0, target: `${HOST}:${echo.port}` });
    const port = forward.address?.port ?? 0;
    const running = await connectTo(port);
    running.write('before');
    expect((await readBytes(running, 6)).toString()).toBe('before');

    const following = await startServer({ reverse: true });
    relay.target = following.port;
    const drained = server.close({ drain: 60_000 });
    await until('the other one listens', () =>
      following.server.sessions().some(({ listeners }) => listeners.some(({ open }) => open)),
    );
    await until('the client knows', () => forward.state === 'listening');
    expect(forward.address?.port).toBe(port);
    const later = await connectTo(port);
    later.end('later');
    expect((await readBytes(later, 5)).toString()).toBe('later');
    running.write('behind');
    expect((await readBytes(running, 6)).toString()).toBe('behind');
    running.end();
    expect((await readToEnd(running)).by).toBe('end');
    expect(await drained).toBe(0);
  });

  test('tell the target from whom they are, if it wants to know', async () => {
    const { newClient } = await prepare();
    const client = await newClient();
    const echo = await startEcho();
    const forward = await client.forwardRemote({ port: 0, target: `${HOST}:${echo.port}`, proxyProtocol: 'v2' });
    const port = forward.address?.port ?? 0;
    const socket = await connectTo(port);
    socket.write('hello');
    const header = await readBytes(socket, 28);
    expect(header.subarray(12, 16).toString('hex')).toBe('2111000c');
    expect([...header.subarray(16, 24)]).toEqual([127, 0, 0, 1, 127, 0, 0, 1]);
    expect([header.readUInt16BE(24), header.readUInt16BE(26)]).toEqual([socket.localPort, port]);
    expect((await readBytes(socket, 5)).toString()).toBe('hello');
    socket.end();
    await readToEnd(socket);
  });

  test('may come by a path, and go to one', async () => {
    const folder = temporaryFolder();
    const { newClient } = await prepare({ allowListen: [`unix:${folder}/*`, '127.0.0.1:1024-65535'] });
    const client = await newClient();
    const [near, far] = [join(folder, 'near'), join(folder, 'far')];
    await client.forwardRemote({ path: far, target: await startSaying('by a path') });
    // A Unix socket that this machine has: the one that the server has made.
    const forward = await client.forwardRemote({ port: 0, target: `unix:${far}` });
    expect(await hear(forward.address?.port ?? 0)).toBe('by a path');
    await client.forwardRemote({ path: near, target: `unix:${far}` });
    const socket = connect({ path: near, allowHalfOpen: true });
    expect(Buffer.concat(await socket.toArray()).toString()).toBe('by a path');
    socket.end();
  });

  test('may be datagrams, which are answered to the one who has sent them', async () => {
    const { newClient } = await prepare();
    const client = await newClient();
    const target = await udpDestination();
    const forward = await client.forwardRemote({ port: 0, target: `${HOST}:${target.peer.port}/udp` });
    const heard: string[][] = [[], []];
    const peers = await Promise.all(heard.map((list) => bindDatagrams((data) => list.push(data.toString()))));
    for (const [n, peer] of peers.entries()) {
      await until('it is answered', async () => {
        await peer.send(Buffer.from(`from ${n}`), forward.address?.port ?? 0);
        return (heard[n] ?? []).length > 0;
      });
    }
    expect(heard.map(([first]) => first)).toEqual(['echo: from 0', 'echo: from 1']);
    expect(new Set(target.heard.map((line) => line.split(' ').at(-1))).size).toBe(2);
  });
});

describe('a client that starts again', () => {
  const OPTIONS: Omit<RemoteForwardOptions & { port: number }, 'target'> = { port: 0, label: 'one and the same' };

  test('takes its port over at once while its old session hangs, and refuses nobody meanwhile', async () => {
    const { relay, newClient, serverPort } = await prepare();
    const first = await newClient();
    const old = await first.forwardRemote({ ...OPTIONS, target: await startSaying('the old one') });
    const port = old.address?.port ?? 0;
    relay.hold();
    const visit = (): Promise<string[]> => Promise.all(Array.from({ length: 10 }, () => hear(port)));
    const before = visit();
    const second = await newClient({}, serverPort);
    const taking = second.forwardRemote({ ...OPTIONS, port, target: await startSaying('the new one') });
    const meanwhile = visit();
    const next = await taking;
    expect(next.address).toEqual(old.address);
    expect(new Set(await visit())).toEqual(new Set(['the new one']));
    // What had been sent to the old session stays with it, and is served when that goes on.
    relay.release();
    const heard = new Set([...(await before), ...(await meanwhile)]);
    expect([...heard].every((word) => word === 'the old one' || word === 'the new one')).toBe(true);
    await until('the old one knows', () => old.state === 'standby');
    expect([next.state, await hear(port)]).toEqual(['listening', 'the new one']);

    await second.close();
    await until('the old one has it again', () => old.state === 'listening');
    expect([old.address?.port, await hear(port)]).toEqual([port, 'the old one']);
  });

  test('finds that another user has its port, and takes it when that one leaves', async () => {
    const tokens = ['a', 'b'].map((letter) => letter.repeat(40));
    const users = tokens.map((token, n) => ({
      id: `user-${n}`,
      tokenSha256: createHash('sha256').update(token).digest('hex'),
    }));
    const { newClient } = await prepare({ users });
    const [one, other] = await Promise.all(tokens.map((token) => newClient({ token })));
    const held = await one?.forwardRemote({ ...OPTIONS, target: await startSaying('one') });
    const port = held?.address?.port ?? 0;
    const wanted = { ...OPTIONS, port, target: await startSaying('other') };
    await expect(other?.forwardRemote(wanted)).rejects.toMatchObject({ code: 'ADDRESS_IN_USE' });
    const forward = await other?.forwardRemote({ ...wanted, keepTrying: true });
    await until('it is refused', () => forward?.state === 'refused');
    expect(await hear(port)).toBe('one');
    await held?.close();
    await until('it has it', () => forward?.state === 'listening');
    expect(await hear(port)).toBe('other');
  });
});
