import { once } from 'node:events';
import { type AddressInfo, connect } from 'node:net';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { type WebSocket, WebSocketServer } from 'ws';
import { deafReceiver, SUBPROTOCOL, type Transport } from 'wsproxy-engine';
import { newMemory } from 'wsproxy-test-support/engine/new-memory';
import { until } from 'wsproxy-test-support/sockets/connected-sockets';
import type { WayToServer } from '../../../src/transports/open-transport.js';
import { openWebSocket } from '../../../src/transports/websocket/open-websocket.js';

let server: WebSocketServer;
let giveUp: AbortController;

beforeEach(async () => {
  giveUp = new AbortController();
  server = new WebSocketServer({
    ...{ port: 0, host: '127.0.0.1', autoPong: false },
    handleProtocols: () => SUBPROTOCOL,
  });
  await once(server, 'listening');
});

afterEach(async () => {
  giveUp.abort();
  for (const client of server.clients) client.terminate();
  await new Promise((resolve) => server.close(resolve));
});

/** What comes of it, and the server's end. */
async function begin(
  isTrial: boolean,
): Promise<{ peer: WebSocket; outcome: Promise<Transport>; isOpen: () => boolean }> {
  const { port } = server.address() as AddressInfo;
  const way: WayToServer = {
    ...{ url: new URL(`ws://127.0.0.1:${port}/`), headers: {}, memory: newMemory(), isTrial },
    connect: async () => {
      const socket = connect(port, '127.0.0.1').on('error', () => {});
      await once(socket, 'connect');
      return { socket, isPrivate: true };
    },
  };
  const outcome = openWebSocket(way, giveUp.signal);
  let isOpen = false;
  outcome.then(
    () => {
      isOpen = true;
    },
    () => {},
  );
  const [peer] = (await once(server, 'connection')) as [WebSocket];
  return { peer, outcome, isOpen: () => isOpen };
}

describe('a WebSocket', () => {
  test('is there as soon as it opens', async () => {
    const { outcome } = await begin(false);
    (await outcome).terminate();
  });

  test('on trial is there once the server has answered by it', async () => {
    const { peer, outcome, isOpen } = await begin(true);
    await once(peer, 'ping');
    expect(isOpen()).toBe(false);
    peer.pong();
    (await outcome).terminate();
  });

  test('on trial brings everything behind that answer', async () => {
    const { peer, outcome } = await begin(true);
    await once(peer, 'ping');
    peer.pong();
    const transport = await outcome;
    let bytes = '';
    transport.receiver = {
      ...deafReceiver,
      onBytes: (more) => {
        bytes += Buffer.from(more).toString();
      },
    };
    peer.send(Buffer.from('behind it'));
    await until(() => bytes === 'behind it');
    transport.terminate();
  });

  test.each([
    ['closed', (peer: WebSocket) => peer.close(4005, 'no greeting')],
    ['cut', (peer: WebSocket) => peer.terminate()],
  ])('on trial has failed when it is %s before', async (_, end) => {
    const { peer, outcome } = await begin(true);
    end(peer);
    await expect(outcome).rejects.toThrow('before anything came by it');
  });

  test('on trial that stays silent is closed when it is given up', async () => {
    const { peer, outcome } = await begin(true);
    await once(peer, 'ping');
    giveUp.abort();
    await expect(outcome).rejects.toThrow('given up');
    await until(() => peer.readyState === peer.CLOSED);
  });
});
