import { expect, test } from 'vitest';
import { CuttingRelay } from 'wsproxy-test-support/sockets/cutting-relay';
import { startOddProxy } from 'wsproxy-test-support/sockets/odd-proxy';
import { startClient, startServer } from 'wsproxy-test-support/tunnel';
import { until } from 'wsproxy-test-support/until';
import { expectCarried } from './carries.js';

const SIZE = 1024 * 1024;

/** A client behind a relay that has been connected over a WebSocket, and the lines that it logs. */
async function startConnected() {
  const { port: serverPort } = await startServer();
  const relay = await new CuttingRelay(serverPort).start();
  const lines: { message: string; fields: object }[] = [];
  const log = (fields: object, message: string): void => void lines.push({ message, fields });
  const logger = { debug: () => {}, info: log, warn: log, error: log };
  const { port } = await startClient(relay.port, { logger });
  const of = (message: string): object[] =>
    lines.filter((line) => line.message === message).map(({ fields }) => fields);
  return { serverPort, relay, port, of };
}

test('a connection that is cut while it opens does not take a client from the WebSockets that have carried it', async () => {
  const { relay, port, of } = await startConnected();
  let first: object | undefined;
  relay.onConnection = (connection) => {
    first ??= connection;
  };
  relay.onBytes = (connection) => {
    if (connection === first) connection.cut('reset');
  };
  relay.cut('reset');
  await until('it is connected again', () => of('connected to the server').length === 2);
  await expectCarried(port, SIZE);
  expect(first).toBeDefined();
  expect(of('chose a way to the server')).toEqual([]);
  expect(of('session ended')).toEqual([]);
});

test('a client whose WebSockets pass no more goes on by HTTP, with the same session', async () => {
  const { serverPort, relay, port, of } = await startConnected();
  const proxy = await startOddProxy(serverPort, {});
  relay.target = proxy.port;
  relay.cut('end');
  await until('it is connected again', () => of('connected to the server').length === 2);
  await expectCarried(port, SIZE);
  expect(of('chose a way to the server')).toMatchObject([{ way: 'HTTP', former: 'WebSocket' }]);
  expect(of('session ended')).toEqual([]);
});
