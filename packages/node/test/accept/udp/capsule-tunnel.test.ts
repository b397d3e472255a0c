import { setImmediate } from 'node:timers/promises';
import { expect, it } from 'vitest';
import { silentLogger } from 'wsproxy-engine';
import { FakeFlows } from 'wsproxy-test-support/fake-flows';
import { connectedSockets } from 'wsproxy-test-support/sockets/connected-sockets';
import { enterCapsules } from '../../../src/accept/udp/capsule-tunnel.js';

/** Of an empty datagram. */
const CAPSULE_LENGTH = 3;

async function open() {
  const [socket] = await connectedSockets('TCP');
  // From here on the system takes nothing.
  socket._write = () => {};
  socket._writev = () => {};
  const flows = new FakeFlows();
  const target = { host: '127.0.0.1', port: 53 };
  const reply = { kind: 'connect-udp' as const, success: () => '', failure: () => '' };
  enterCapsules(flows, silentLogger, { socket, target, early: Buffer.alloc(0), reply });
  await expect.poll(() => flows.flows.length).toBe(1);
  return { socket, flow: flows.last };
}

it('empty datagrams that nobody reads are dropped by the memory that they take, not by their bytes', async () => {
  const { socket, flow } = await open();
  for (let i = 0; i < 100; i++) {
    for (let k = 0; k < 100; k++) flow.deliver('');
    await setImmediate();
  }
  expect(socket.writableLength / CAPSULE_LENGTH).toBeLessThan(1_200);
});

it('a burst of small datagrams in one turn is kept whole', async () => {
  const { socket, flow } = await open();
  for (let i = 0; i < 5_000; i++) flow.deliver('');
  expect(socket.writableLength / CAPSULE_LENGTH).toBe(5_000);
});
