import { describe, expect, test } from 'vitest';
import { type ClientOptions, createClient, type ListenerStatus, OptionError, TunnelError } from 'wsproxy-client';
import { FAILURES, type FailureCode } from 'wsproxy-engine';
import { atEnd } from 'wsproxy-test-support/cleanup/at-end';
import { startEcho } from 'wsproxy-test-support/destinations/echo';
import { TOKEN } from 'wsproxy-test-support/programs/command-line';
import { until } from 'wsproxy-test-support/until';
import { startFakeServer } from 'wsproxy-test-support/wire/fake-server';
import { FrameServer } from 'wsproxy-test-support/wire/frame-server';
import { Capability, frame, hex, incoming, listening, Type } from 'wsproxy-test-support/wire/hand-written-frames';

/** A client, the connections that it makes to its server, and where its listeners lead. */
async function prepare(options: Partial<ClientOptions> = {}, capabilities: number = Capability.listen) {
  const servers: FrameServer[] = [];
  const { port } = await startFakeServer((webSocket) => servers.push(new FrameServer(webSocket)), capabilities);
  const client = createClient({ url: `ws://127.0.0.1:${port}/`, token: TOKEN, ...options });
  atEnd(() => client.close());
  const told: ListenerStatus[] = [];
  client.on('listener', (listener) => told.push(listener));
  const echo = await startEcho();
  const connected = async (): Promise<FrameServer> => {
    await until('the client has connected', () => servers.length > 0);
    return servers[0] as FrameServer;
  };
  return { client, told, servers, connected, echo, target: `127.0.0.1:${echo.port}` };
}

/** OPEN_FAIL, as a server says no. */
function refusal(channel: number, code: FailureCode): Buffer {
  return frame(Type.openFail, channel, Buffer.of(0, FAILURES[code].wire));
}

describe('forwardRemote', () => {
  test('connects, asks, and gives where the server listens; what comes there goes to the target', async () => {
    const { client, told, connected, target } = await prepare();
    const forwarding = client.forwardRemote({ host: '127.0.0.1', port: 0, target, label: 'web', backlog: 5 });
    const server = await connected();
    const [asked] = await server.until(Type.listen);
    // Kind, take over, backlog, port, bind, name.
    expect(asked?.payload).toEqual(hex(`01 01 0005 0000 09 ${asHex('127.0.0.1')} 03 ${asHex('web')}`));
    const number = asked?.channel ?? 0;
    server.say(listening(number, '127.0.0.1', 40_123));
    const forward = await forwarding;
    expect([forward.address, forward.state]).toEqual([{ host: '127.0.0.1', port: 40_123 }, 'listening']);

    server.say(incoming(2, number), frame(Type.data, 2, 'to the echo'));
    await server.until(Type.data);
    expect(server.of(Type.data).map(({ payload }) => payload.toString())).toEqual(['to the echo']);
    const { channels, listeners } = client.status();
    expect(channels).toMatchObject([{ kind: 'remote', target, peer: '192.0.2.7:50000', open: true, bytesDown: 11 }]);
    const status = { listen: '127.0.0.1:0', target, state: 'listening', address: '127.0.0.1:40123' };
    expect(listeners).toMatchObject([{ ...status, arrivals: 1, arrivalsSoFar: 1 }]);
    expect(told).toMatchObject([{ ...status, server: expect.stringMatching(/^ws:/) }]);
    await client.close();
    expect(told.at(-1)).toMatchObject({ state: 'closed', address: undefined });
  });

  test('rejects when the server refuses, and asks no more', async () => {
    const { client, told, connected, target } = await prepare();
    const forwarding = client.forwardRemote({ port: 80, target });
    const server = await connected();
    const [asked] = await server.until(Type.listen);
    server.say(refusal(asked?.channel ?? 0, 'DENIED'));
    const error = await forwarding.catch((reason: unknown) => reason);
    expect(error).toBeInstanceOf(TunnelError);
    expect(error).toMatchObject({
      code: 'DENIED',
      message: expect.stringMatching(/^no rule of the server lets this user listen there: its operator can add one/),
    });
    expect(told.map(({ state }) => state)).toEqual(['refused', 'closed']);
    expect(client.status().listeners).toEqual([]);
  });

  test('rejects when the server listens for nobody', async () => {
    const { client, target } = await prepare({}, Capability.taken);
    await expect(client.forwardRemote({ port: 80, target })).rejects.toMatchObject({ code: 'UNSUPPORTED' });
  });

  test('rejects when there can be no tunnel', async () => {
    const { client, target } = await prepare();
    await client.close();
    await expect(client.forwardRemote({ port: 80, target })).rejects.toMatchObject({ code: 'CLOSED' });
  });

  test('rejects when the client is closed before the server has answered', async () => {
    const { client, connected, target } = await prepare();
    const forwarding = client.forwardRemote({ port: 80, target });
    const rejection = expect(forwarding).rejects.toMatchObject({ code: 'CANCELLED' });
    await (await connected()).until(Type.listen);
    await client.close();
    await rejection;
  });

  test('that keeps trying resolves at once, and listens as soon as the server lets it', async () => {
    const { client, connected, target } = await prepare();
    const forward = await client.forwardRemote({ port: 80, target, keepTrying: true });
    expect([forward.state, forward.address]).toEqual(['asking', undefined]);
    const server = await connected();
    const [first] = await server.until(Type.listen);
    server.say(refusal(first?.channel ?? 0, 'ADDRESS_IN_USE'));
    const [, second] = await server.until(Type.listen, 2);
    expect(forward.state).toBe('refused');
    server.say(listening(second?.channel ?? 0));
    await until('it listens', () => forward.state === 'listening');
  });

  test('does not let two listeners of one client take each other over', async () => {
    const { client, target } = await prepare();
    await client.forwardRemote({ port: 80, target, keepTrying: true });
    const again = client.forwardRemote({ port: 80, target: 'localhost:1', keepTrying: true });
    await expect(again).rejects.toThrow(OptionError);
    await expect(again).rejects.toThrow(/^label: there is one already: .*\/127\.0\.0\.1:80$/);
    await client.forwardRemote({ port: 80, target, label: 'another', keepTrying: true });
    expect(client.status().listeners.length).toBe(2);
  });
});

describe('closing', () => {
  /** A listener with one connection that is joined with its target. */
  async function joined() {
    const all = await prepare();
    const forwarding = all.client.forwardRemote({ port: 8_000, target: all.target });
    const server = await all.connected();
    const [asked] = await server.until(Type.listen);
    const number = asked?.channel ?? 0;
    server.say(listening(number));
    const forward = await forwarding;
    server.say(incoming(2, number));
    await server.until(Type.openOk);
    return { ...all, server, forward, number };
  }

  test('a listener ends it at the server, and lets what has come go on', async () => {
    const { forward, server, number } = await joined();
    await forward.close();
    const [reset] = await server.until(Type.reset);
    expect(reset?.channel).toBe(number);
    server.say(frame(Type.data, 2, 'still joined'));
    await server.until(Type.data);
    expect(forward.state).toBe('closed');
  });

  test('a client with a time to drain takes nothing more, and lets what has come finish', async () => {
    const { client, server, number } = await joined();
    const closing = client.close({ drain: 60_000 });
    await server.until(Type.reset);
    server.say(incoming(4, number));
    await server.until(Type.openFail);
    server.say(frame(Type.data, 2, 'the rest'), frame(Type.fin, 2));
    await server.until(Type.fin);
    await server.heardAll();
    await closing;
    expect(server.of(Type.data).map(({ payload }) => payload.toString())).toEqual(['the rest']);
  });

  test('a client resets what has come', async () => {
    const { client, server, echo } = await joined();
    await client.close();
    await until('the target is reset', () => echo.sockets.size === 0);
    await until('the server is told', () => server.isOver);
  });
});

function asHex(text: string): string {
  return Buffer.from(text).toString('hex');
}
