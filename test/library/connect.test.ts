import { connect } from 'node:net';
import { buffer, text } from 'node:stream/consumers';
import { describe, expect, test } from 'vitest';
import { createClient, TunnelError, type TunnelSocket } from 'wsproxy-client';
import { atEnd } from 'wsproxy-test-support/cleanup/at-end';
import { startAnswerAfterEnd } from 'wsproxy-test-support/destinations/answer-after-end';
import { startEcho } from 'wsproxy-test-support/destinations/echo';
import { startUnresponsive } from 'wsproxy-test-support/destinations/unresponsive';
import { keystreamReadable, sha256, sha256OfKeystream } from 'wsproxy-test-support/keystream';
import { TOKEN } from 'wsproxy-test-support/programs/command-line';
import { freePort, listen } from 'wsproxy-test-support/sockets/listen';
import { startClient, startServer, startTunnel } from 'wsproxy-test-support/tunnel';
import { until } from 'wsproxy-test-support/until';
import { fromServer, startFakeServer } from 'wsproxy-test-support/wire/fake-server';
import { frame, hex, Type } from 'wsproxy-test-support/wire/hand-written-frames';
import type { RawWebSocket } from 'wsproxy-test-support/wire/raw-websocket';

const SIZE = 8 * 1024 * 1024;

/** A destination that takes connections and leaves them alone, and how many it has. */
async function startSilent() {
  const { port, sockets } = await listen((socket) => socket.resume());
  return { port, open: () => sockets.size };
}

describe('client.connect', () => {
  test('gives a stream that carries every byte both ways', async () => {
    const [{ client }, { port }] = [await startTunnel(), await startEcho()];
    const socket = await client.connect({ host: '127.0.0.1', port });
    keystreamReadable('library', SIZE).pipe(socket);
    expect(await sha256(socket)).toBe(await sha256OfKeystream('library', SIZE));
  });

  test('keeps half-close: what comes after the end of one half arrives', async () => {
    const [{ client }, { port }] = [await startTunnel(), await startAnswerAfterEnd()];
    const socket = await client.connect(`127.0.0.1:${port}`);
    socket.end('question');
    expect((await buffer(socket)).length).toBeGreaterThan(0);
  });

  test('connects by itself, without start', async () => {
    const [{ port: serverPort }, { port }] = [await startServer(), await startEcho()];
    await using client = createClient({ url: `ws://127.0.0.1:${serverPort}/`, token: TOKEN });
    const socket = await client.connect({ host: '127.0.0.1', port });
    socket.end('hello');
    expect(await text(socket)).toBe('hello');
  });

  test('says by its code why there is no connection, and to what', async () => {
    const { client } = await startTunnel();
    const port = await freePort();
    const failure = client.connect({ host: '127.0.0.1', port });
    await expect(failure).rejects.toThrow(`127.0.0.1:${port}: connection refused`);
    await expect(failure).rejects.toMatchObject({ name: 'TunnelError', code: 'CONNECTION_REFUSED' });
    await expect(client.connect('0.0.0.0:1')).rejects.toMatchObject({ code: 'DENIED' });
    expect(() => client.connect('nowhere')).toThrow(TypeError);
  });

  test('fails with a reset when the destination resets, and never ends', async () => {
    const { client } = await startTunnel();
    const { port } = await listen((socket) => {
      socket.once('data', () => socket.write('half', () => socket.resetAndDestroy()));
    });
    const socket = await client.connect({ host: '127.0.0.1', port });
    socket.write('go');
    await expect(text(socket)).rejects.toMatchObject({ code: 'CONNECTION_RESET' });
  });
});

/** A server that answers anything that asks for example.org by `frames`, in one message. */
function startAnswering(...frames: readonly Buffer[]) {
  const answer = async (webSocket: RawWebSocket): Promise<void> => {
    for (;;) {
      const { payload } = await webSocket.next();
      if (payload.includes('example.org')) webSocket.send(fromServer(...frames));
    }
  };
  return startFakeServer((webSocket) => void answer(webSocket).catch(() => webSocket.socket.destroy()));
}

describe('a channel that is over as soon as it is open', () => {
  const opened = frame(Type.openOk, 1, hex('0004 0000'));

  const reset = [frame(Type.reset, 1, hex('000c'))];

  test.each([
    ['reset', 'CONNECTION_RESET', reset, {}],
    ['reset, where a signal may give it up', 'CONNECTION_RESET', reset, { signal: new AbortController().signal }],
    ['lost with its session', 'SESSION_LOST', [frame(Type.goAway, 0, hex('03 000000 00000000'))], {}],
  ])('since it is %s, fails behind the promise', async (_how, code, rest, options) => {
    const { port } = await startAnswering(opened, ...rest);
    const { client } = await startClient(port);
    await client.start();
    const socket = await client.connect('example.org:80', options);
    const error = await new Promise((resolve) => {
      socket.on('error', resolve).on('close', () => resolve('closed without an error'));
    });
    expect(error).toMatchObject({ code });
  });
});

describe('an AbortSignal', () => {
  test('before the tunnel is up: nothing is asked of the server', async () => {
    const { port, open } = await startSilent();
    const client = createClient({ url: `ws://127.0.0.1:${await freePort()}/`, token: TOKEN });
    atEnd(() => client.close());
    const abort = new AbortController();
    const connecting = client.connect({ host: '127.0.0.1', port }, { signal: abort.signal });
    abort.abort();
    await expect(connecting).rejects.toMatchObject({ name: 'AbortError' });
    expect([client.channelCount, open()]).toEqual([0, 0]);
  });

  test('while the destination is dialled: the dial is given up', async () => {
    const [{ client, server }, port] = [await startTunnel(), await startUnresponsive()];
    const abort = new AbortController();
    const connecting = client.connect({ host: '127.0.0.1', port }, { signal: abort.signal });
    await until('the server dials', () => server.channelCount === 1);
    abort.abort(new Error('enough'));
    await expect(connecting).rejects.toMatchObject({ name: 'AbortError', cause: new Error('enough') });
    await until('the server has given up', () => server.channelCount === 0, 1_000);
  });

  test('in the middle of data: the destination loses its connection, and the stream fails', async () => {
    const { client } = await startTunnel();
    const { port, open } = await startSilent();
    const abort = new AbortController();
    const socket = await client.connect({ host: '127.0.0.1', port }, { signal: abort.signal });
    socket.write(Buffer.alloc(100_000));
    await until('the destination has it', () => open() === 1);
    const failed = new Promise((resolve) => socket.once('error', resolve));
    abort.abort();
    expect(await failed).toMatchObject({ name: 'AbortError' });
    await until('the destination has lost it', () => open() === 0, 1_000);
  });

  test('that was aborted before: nothing begins', async () => {
    const { client } = await startTunnel();
    await expect(client.connect('127.0.0.1:1', { signal: AbortSignal.abort() })).rejects.toThrow(/aborted/);
    expect(client.channelCount).toBe(0);
  });
});

describe('a timeout', () => {
  test('ends the wait for a tunnel that is down', async () => {
    const client = createClient({ url: `ws://127.0.0.1:${await freePort()}/`, token: TOKEN });
    atEnd(() => client.close());
    const connecting = client.connect('127.0.0.1:1', { timeout: 50 });
    await expect(connecting).rejects.toThrow('127.0.0.1:1: connection timed out within 50 ms');
    await expect(connecting).rejects.toBeInstanceOf(TunnelError);
  });

  test('of the socket tells that nothing has moved, and leaves it open', async () => {
    const [{ client }, { port }] = [await startTunnel(), await startSilent()];
    const socket = await client.connect({ host: '127.0.0.1', port });
    await new Promise<void>((resolve) => socket.setTimeout(20, resolve));
    expect(socket.destroyed).toBe(false);
    socket.destroy();
  });
});

describe('client.close', () => {
  test('with drain lets living channels finish, and accepts no more', async () => {
    const [{ client, port: localPort }, { port }] = [await startTunnel(), await startEcho()];
    const socket = await client.connect({ host: '127.0.0.1', port });
    const closing = client.close({ drain: 10_000 });
    await expect(client.connect({ host: '127.0.0.1', port: localPort })).rejects.toBeInstanceOf(TunnelError);
    socket.end('late, but whole');
    expect(await text(socket)).toBe('late, but whole');
    await closing;
    expect(client.state).toBe('closed');
  });

  test('with drain lets those finish that go past the tunnel, and all they have sent arrives', async () => {
    const { client, port: localPort } = await startTunnel({ client: { bypass: ['127.0.0.1'] } });
    const { port } = await startEcho();
    const socket = await client.connect({ host: '127.0.0.1', port });
    const closing = client.close({ drain: 10_000 });
    await expect(client.connect({ host: '127.0.0.1', port: localPort })).rejects.toBeInstanceOf(TunnelError);
    const sent = 'x'.repeat(1_000_000);
    socket.end(sent);
    expect((await text(socket)) === sent).toBe(true);
    await closing;
    expect(client.state).toBe('closed');
  });

  test('with drain goes on waiting when one of several sessions is lost', async () => {
    const servers = [await startServer(), await startServer()] as const;
    let entrances = 0;
    const { port: entrance } = await listen((socket) => {
      entrances += 1;
      const onward = connect(servers[entrances % 2 === 1 ? 0 : 1].port, '127.0.0.1');
      onward.on('error', () => {}).on('close', () => socket.destroy());
      socket.on('close', () => onward.destroy());
      socket.pipe(onward).pipe(socket);
    });
    const [{ client }, { port }] = [await startClient(entrance, { connections: 2 }), await startEcho()];
    const sockets: TunnelSocket[] = [];
    while (servers.some(({ server }) => server.channelCount === 0)) {
      sockets.push(await client.connect({ host: '127.0.0.1', port }));
    }
    const outcomes = sockets.map((socket) => text(socket).catch((error: TunnelError) => error.code));
    const closing = client.close({ drain: 10_000 });
    await servers[0].server.close();
    await Promise.race(outcomes);
    for (const socket of sockets) if (!socket.destroyed) socket.end('late, but whole');
    expect(new Set(await Promise.all(outcomes))).toEqual(new Set(['SESSION_LOST', 'late, but whole']));
    await closing;
  });

  test('without it resets them', async () => {
    const [{ client }, { port }] = [await startTunnel(), await startSilent()];
    const socket = await client.connect({ host: '127.0.0.1', port });
    const failed = new Promise((resolve) => socket.once('error', resolve));
    await client.close();
    expect(await failed).toMatchObject({ code: 'CANCELLED' });
  });
});
