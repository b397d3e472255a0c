import { expect, test } from 'vitest';
import { startRelayedTunnel } from 'wsproxy-test-support/relayed-tunnel';
import { bySocks5 } from 'wsproxy-test-support/sockets/application';
import { exchange, startPartner } from 'wsproxy-test-support/traffic';
import { until } from 'wsproxy-test-support/until';

const CONNECTIONS = 3;
const MIB = 1024 * 1024;

test('of three WebSockets that carry a transfer each, one is killed, and nothing is lost', async () => {
  const [{ relay, port, server }, partner] = await Promise.all([
    startRelayedTunnel({ client: { connections: CONNECTIONS } }),
    startPartner(),
  ]);
  await until('all are connected', () => server.sessionCount === CONNECTIONS);
  const carried = new Map<unknown, number>();
  relay.onBytes = (connection, bytes) => carried.set(connection, (carried.get(connection) ?? 0) + bytes);

  const transfers = Array.from({ length: CONNECTIONS }, (_, n) =>
    exchange(bySocks5, port, partner.port, { kind: 'both', seed: `of ${n}`, up: 8 * MIB, down: 8 * MIB, pause: 0 }),
  );
  await until(
    'each carries one',
    () => carried.size === 3 && [...carried.values()].every((bytes) => bytes > MIB),
    20_000,
  );
  const [one] = relay.connections;
  one?.cut('reset');
  await Promise.all(transfers);
  expect(relay.accepted).toBe(CONNECTIONS + 1);
  expect(server.sessionCount).toBe(CONNECTIONS);
});
