import { once } from 'node:events';
import { describe, expect, test } from 'vitest';
import { createClient, type DatagramSocket } from 'wsproxy-client';
import { startDatagramEcho } from 'wsproxy-test-support/destinations/datagram-echo';
import { TOKEN } from 'wsproxy-test-support/programs/command-line';
import { startRelayedTunnel } from 'wsproxy-test-support/relayed-tunnel';
import { bindDatagrams, freeDatagramPort } from 'wsproxy-test-support/sockets/datagram-socket';
import { startServer, startTunnel } from 'wsproxy-test-support/tunnel';
import { until } from 'wsproxy-test-support/until';

/** What comes, as text and peer. */
function messagesOf(socket: DatagramSocket): (readonly [text: string, from: string])[] {
  const messages: (readonly [string, string])[] = [];
  socket.on('message', (data, { host, port }) => messages.push([data.toString(), `${host}:${port}`]));
  return messages;
}

/** Sends until an answer has come: datagrams may be lost. */
async function ask(socket: DatagramSocket, text: string, to?: string): Promise<void> {
  const messages = messagesOf(socket);
  await until(`${text} is answered`, () => {
    if (messages.some(([answer]) => answer === text)) return true;
    socket.send(text, to);
    return false;
  });
}

describe('client.datagrams', () => {
  test('exchanges datagrams with one peer, which hears all of them from one port', async () => {
    const [{ client }, echo] = [await startTunnel(), await startDatagramEcho()];
    const socket = client.datagrams({ host: '127.0.0.1', port: echo.port });
    const messages = messagesOf(socket);
    for (const text of ['one', 'two', '']) socket.send(text);
    await until('all are answered', () => messages.length === 3);
    expect(messages.sort()).toEqual(['', 'one', 'two'].map((text) => [text, `127.0.0.1:${echo.port}`]));
    expect(echo.senders.size).toBe(1);
    expect(socket.figures).toMatchObject({ datagramsSent: 3, datagramsReceived: 3, bytesSent: 6, bytesReceived: 6 });
    socket.close();
  });

  test('exchanges datagrams with many, each named by the program', async () => {
    const [{ client }, one, two] = [await startTunnel(), await startDatagramEcho(), await startDatagramEcho()];
    using socket = client.datagrams();
    const messages = messagesOf(socket);
    socket.send('one', `127.0.0.1:${one.port}`);
    socket.send('two', `localhost:${two.port}`);
    await until('both are answered', () => messages.length === 2);
    expect(messages.sort()).toEqual([
      ['one', `127.0.0.1:${one.port}`],
      ['two', `localhost:${two.port}`],
    ]);
  });

  test('keeps the port that the peer sees while WebSockets are lost', async () => {
    const [{ client, relay }, echo] = [await startRelayedTunnel(), await startDatagramEcho()];
    const socket = client.datagrams(`127.0.0.1:${echo.port}`);
    for (let n = 0; n < 3; n++) {
      await ask(socket, `before ${n}`);
      relay.cut('reset');
      await ask(socket, `after ${n}`);
    }
    expect(echo.senders.size).toBe(1);
    expect(client.status().resumes).toBeGreaterThanOrEqual(3);
    socket.close();
  });

  test('connects by itself, and lets the process end when the socket is closed', async () => {
    const [{ port }, echo] = [await startServer(), await startDatagramEcho()];
    await using client = createClient({ url: `ws://127.0.0.1:${port}/`, token: TOKEN });
    const socket = client.datagrams(`127.0.0.1:${echo.port}`);
    await ask(socket, 'hello');
    expect(client.status().flows).toMatchObject([{ kind: 'library', open: true, target: `127.0.0.1:${echo.port}` }]);
    socket.close();
    expect(client.status().flows).toEqual([]);
  });

  test('says by its code why a socket is over', async () => {
    const [{ client }, port] = [await startTunnel({ server: { allowPrivate: false } }), await freeDatagramPort()];
    const [error] = await once(client.datagrams(`127.0.0.1:${port}`), 'error');
    expect(error).toMatchObject({
      name: 'TunnelError',
      code: 'DENIED',
      message: `127.0.0.1:${port}: destination not allowed`,
    });
    expect(() => client.datagrams('nowhere')).toThrow(TypeError);
  });

  test('tells its socket that it is closed when the client is', async () => {
    const [{ client }, peer] = [await startTunnel(), await bindDatagrams()];
    const socket = client.datagrams(`127.0.0.1:${peer.port}`);
    await once(socket, 'open');
    const closed = once(socket, 'close');
    await client.close();
    await closed;
  });
});
