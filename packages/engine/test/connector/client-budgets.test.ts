import { expect, test } from 'vitest';
import { filled } from 'wsproxy-test-support/engine/bytes';
import { FakeNetwork } from 'wsproxy-test-support/engine/fake-network';
import { newMemory } from 'wsproxy-test-support/engine/new-memory';
import { Recorder } from 'wsproxy-test-support/engine/recorder';
import { Connector } from '../../src/connector/connector.js';

const MIB = 1_048_576;
const SESSIONS = 30;
const CHANNELS = 130;
const PIECE = filled(8_192, 7);

test('however many sessions a client has left behind, what waits in them together is bounded', async () => {
  const network = new FakeNetwork();
  const { connect, clock, logger } = network;
  const connector = new Connector({
    servers: [{ name: 'the server', connect }],
    clock,
    memory: newMemory(),
    logger,
    grace: 60_000,
    connections: 1,
    optimistic: false,
    random: () => 0,
  });
  const started = connector.start();
  await network.settle();
  await started;
  let taken = 0;
  for (let n = 0; n < SESSIONS; n++) {
    const { connection } = network;
    const logs = Array.from({ length: CHANNELS }, () => new Recorder());
    const channels = logs.map((log) => log.take(connector.open({ host: 'example.org', port: 80 }, log)).channel);
    await network.settle();
    [...network.sessions.values()].at(-1)?.session.drain(60_000);
    await network.pass(100);
    // Nobody hears of it any more.
    connection.silent = true;
    for (const channel of channels) {
      do taken += PIECE.length;
      while (channel.write(PIECE));
    }
  }
  expect([connector.state, network.connections.length]).toEqual(['online', SESSIONS + 1]);
  // What each connection may have beyond that is its own.
  expect(taken / MIB).toBeLessThan(4 * 24 + (SESSIONS * CHANNELS * 16) / 1024);
  // With a session's own bounds alone it would be that.
  expect(taken / MIB).toBeLessThan(SESSIONS * 8);
  connector.close();
});
