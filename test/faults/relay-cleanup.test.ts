import { once } from 'node:events';
import { describe, expect, test } from 'vitest';
import { connectTo } from 'wsproxy-test-support/sockets/application';
import { CuttingRelay } from 'wsproxy-test-support/sockets/cutting-relay';
import { listen } from 'wsproxy-test-support/sockets/listen';
import { until } from 'wsproxy-test-support/until';

describe('a relay that is gone', () => {
  test('leaves no socket behind, no matter what was just ending', async () => {
    const { port } = await listen(() => {});
    const relay = await new CuttingRelay(port).start();
    const socket = await connectTo(relay.port);
    await until('it is relayed', () => relay.connections.size === 1);
    const [connection] = relay.connections;
    connection?.near.end();
    relay.cut('reset');
    await once(socket.resume(), 'end');
    await until('it is gone', () => relay.connections.size === 0);
    expect(connection?.near.destroyed).toBe(true);
  });
});
