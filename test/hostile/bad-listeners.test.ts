import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { describe, expect, test } from 'vitest';
import { FAILURES } from 'wsproxy-engine';
import { udpDestination } from 'wsproxy-test-support/destinations/udp-destination';
import { listen } from 'wsproxy-test-support/sockets/listen';
import { startClient } from 'wsproxy-test-support/tunnel';
import { until } from 'wsproxy-test-support/until';
import { startFakeServer } from 'wsproxy-test-support/wire/fake-server';
import { FrameServer } from 'wsproxy-test-support/wire/frame-server';
import { Capability, call, frame, hex, incoming, listening, Type } from 'wsproxy-test-support/wire/hand-written-frames';

const WITH_FLOWS = Capability.taken | Capability.flows | Capability.listen;
const KIB = 1024;
const MIB = 1024 * KIB;

/** A client, and the first connection of its server, which is a bad one. */
async function prepare(capabilities: number = Capability.listen) {
  const servers: FrameServer[] = [];
  const { port } = await startFakeServer((webSocket) => servers.push(new FrameServer(webSocket)), capabilities);
  const { client } = await startClient(port);
  await until('the client has connected', () => servers.length > 0);
  return { client, server: servers[0] as FrameServer, servers };
}

/** The same with a remote listener that leads to a canary, and its number in the session. */
async function prepareListener() {
  const { client, server, servers } = await prepare();
  let touches = 0;
  const canary = await listen((socket) => {
    touches += 1;
    socket.resume().on('end', () => socket.end());
  });
  const forwarding = client.forwardRemote({ port: 8_000, target: `127.0.0.1:${canary.port}` });
  const [asked] = await server.until(Type.listen);
  server.say(listening(asked?.channel ?? 0));
  const forward = await forwarding;
  return { client, server, servers, canary, forward, listener: asked?.channel ?? 0, touches: () => touches };
}

setFlagsFromString('--expose-gc');
const collectGarbage = runInNewContext('gc') as () => void;

/** Bytes that something holds: objects, and what sockets were read into. */
function heldMemory(): { readonly objects: number; readonly buffers: number } {
  collectGarbage();
  const { heapUsed, arrayBuffers } = process.memoryUsage();
  return { objects: heapUsed, buffers: arrayBuffers };
}

describe('a server', () => {
  test('O1 that names a listener which never was, or what is none, makes nobody dial', async () => {
    const { server, listener, touches } = await prepareListener();
    server.say(...[0, 2, 4_711, 0xffff_fffe].map((number, n) => incoming(2 * n + 2, number)));
    server.say(incoming(20, listener, 2), incoming(22, listener, 9), incoming(24, listener, 1, hex('07')));
    await server.until(Type.openFail, 7);
    // What is said behind them has its effect: they have had theirs.
    server.say(incoming(30, listener));
    await server.until(Type.openOk);
    expect(new Set(server.refusals)).toEqual(new Set([FAILURES.BAD_TARGET.wire]));
    expect(touches()).toBe(1);
  });

  test('O2 that goes on with a listener which was closed makes nobody dial', async () => {
    const { server, forward, listener, touches } = await prepareListener();
    await forward.close();
    await server.until(Type.reset);
    server.say(incoming(2, listener), frame(Type.data, 2, 'GET / HTTP/1.1\r\n\r\n'));
    await server.until(Type.openFail);
    expect(server.refusals).toEqual([FAILURES.BAD_TARGET.wire]);
    expect([touches(), forward.state]).toEqual([0, 'closed']);
  });

  test('O3 that sends somebody before it listens makes nobody dial', async () => {
    const { client, server } = await prepare();
    const { sockets, port } = await listen(() => {});
    const forwarding = client.forwardRemote({ port: 8_000, target: `127.0.0.1:${port}` });
    const [asked] = await server.until(Type.listen);
    server.say(incoming(2, asked?.channel ?? 0));
    await server.until(Type.openFail);
    server.say(listening(asked?.channel ?? 0));
    await forwarding;
    expect([server.refusals, sockets.size]).toEqual([[FAILURES.BAD_TARGET.wire], 0]);
  });

  test.each([
    ['O4 listens on what nobody has asked for', () => listening(99)],
    ['O4 asks its client to listen', () => frame(Type.listen, 2, hex('01 00 0000 1f40 00 00'))],
    ['O4 numbers what comes as its client does', (listener: number) => incoming(listener + 2, listener)],
    ['O4 says twice where it listens', (listener: number) => listening(listener)],
    ['O4 sends bytes of a listener', (listener: number) => frame(Type.data, listener, 'x')],
  ])('that %s is left, and makes nobody dial', async (_title, bytes) => {
    const { server, servers, listener, touches } = await prepareListener();
    server.say(bytes(listener), incoming(2, listener));
    await until('the client is back', () => server.isOver && servers.length === 2);
    expect(touches()).toBe(0);
  });

  test('O5 that sends thousands at once gets as many connections as one may have, and the others are refused', async () => {
    const { client, server, canary, listener } = await prepareListener();
    const early = Buffer.alloc(16 * KIB, 'x');
    for (let n = 0; n < 3_000; n += 1) server.say(incoming(2 * n + 2, listener), frame(Type.data, 2 * n + 2, early));
    await until('all are answered', () => server.of(Type.openFail).length + server.of(Type.openOk).length === 3_000);
    expect(new Set(server.refusals)).toEqual(new Set([FAILURES.LIMIT_REACHED.wire]));
    expect(server.of(Type.openOk).length).toBe(1_024);
    await until('all of these have come', () => canary.sockets.size >= 1_024);
    expect([client.channelCount, canary.sockets.size]).toEqual([1_024, 1_024]);
  });

  test('O6 that makes its client dial for ever leaves nothing behind in it', async () => {
    const { client, server, canary, listener } = await prepareListener();
    const early = Buffer.alloc(16 * KIB, 'x');
    let channel = 0;
    const flood = async (rounds: number) => {
      for (let round = 0; round < rounds; round += 1) {
        const channels = Array.from({ length: 200 }, () => (channel += 2));
        for (const number of channels) server.say(incoming(number, listener), frame(Type.data, number, early));
        for (const number of channels) server.say(frame(Type.reset, number, hex('000d')));
        await server.heardAll();
        await until('they are gone', () => client.channelCount === 0 && canary.sockets.size === 0);
      }
      server.heard.length = 0;
      return heldMemory();
    };
    const before = await flood(5);
    const after = await flood(20);
    expect(after.objects - before.objects).toBeLessThan(3 * MIB);
    // Of 64 MiB that came meanwhile some is kept to be read into again.
    expect(after.buffers - before.buffers).toBeLessThan(48 * MIB);
    server.say(incoming(channel + 2, listener));
    await server.until(Type.openOk);
  });

  test('O7 whose words are no address is not repeated, and datagrams go to the own target alone', async () => {
    const { client, server } = await prepare(WITH_FLOWS);
    const target = await udpDestination();
    const forwarding = client.forwardRemote({ port: 8_000, target: `127.0.0.1:${target.peer.port}/udp` });
    const [asked] = await server.until(Type.listen);
    const number = asked?.channel ?? 0;
    server.say(listening(number, '\u001b]0;owned\u0007<b>', 53));
    const forward = await forwarding;
    expect(forward.address).toEqual({ host: '', port: 53 });
    expect(client.status().listeners).toMatchObject([{ address: 'localhost:53/udp' }]);
    server.say(incoming(2, number, 2), frame(0xc8, 2, hex(`00 00 ${Buffer.from('mine').toString('hex')}`)));
    // For another peer than that of the flow.
    server.say(frame(0xc8, 2, hex(`00 04 7f000001 0035 ${Buffer.from('others').toString('hex')}`)));
    server.say(frame(0xc8, 2, hex(`00 00 ${Buffer.from('again').toString('hex')}`)));
    const heard = await target.until(2);
    expect(heard.map((each) => each.split(' ')[0])).toEqual(['mine', 'again']);
  });

  test('O8 that calls what nobody has registered, or calls without end, reaches no program, and leaves nothing', async () => {
    const { client, server } = await prepare(Capability.calls);
    const taken: string[] = [];
    client.onIncoming('news', (socket) => taken.push(socket.on('error', () => {}).readyState));
    const others = ['new', 'NEWS', 'news ', '127.0.0.1:22', 'constructor', '../news'];
    server.say(...others.map((service, n) => call(2 * n + 2, service)));
    await server.until(Type.openFail, others.length);
    expect([taken, new Set(server.refusals)]).toEqual([[], new Set([FAILURES.DENIED.wire])]);
    for (let n = 0; n < 3_000; n += 1) server.say(call(2 * n + 100, 'old'), frame(Type.data, 2 * n + 100, 'early'));
    server.say(call(7_000, 'news'));
    await server.until(Type.openOk);
    expect([taken, client.channelCount]).toEqual([['open'], 1]);
  });
});
