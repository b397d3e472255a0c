import { afterEach, expect, test } from 'vitest';
import { silentLogger } from 'wsproxy-engine';
import { FakeClock } from 'wsproxy-engine/testing';
import { FakeFlows } from 'wsproxy-test-support/fake-flows';
import type { LocalPort } from '../../../src/accept/accept-local.js';
import { forwardUdp } from '../../../src/accept/udp/forward-udp.js';
import type { UdpEndpoint } from '../../../src/accept/udp/udp-socket.js';
import { endUdpApplications, UdpApplication } from '../udp-application.js';

endUdpApplications();

const ports: LocalPort[] = [];

afterEach(async () => {
  await Promise.all(ports.splice(0).map((port) => port.close()));
});

async function forward(at: UdpEndpoint = { host: '127.0.0.1', port: 0 }, targetPort = 7) {
  const [flows, clock] = [new FakeFlows(), new FakeClock()];
  const target = { host: 'example.org', port: targetPort };
  const port = await forwardUdp(flows, { at, target, logger: silentLogger, clock });
  ports.push(port);
  return { flows, clock, port };
}

test.each([0, 1, 1_400, 65_507])('carries datagrams of %i bytes both ways', async (length) => {
  const { flows, port } = await forward();
  const application = await UdpApplication.bind();
  application.send('x'.repeat(length), port.address.port);
  await expect.poll(() => flows.flows.map(({ sent }) => sent)).toEqual([['x'.repeat(length)]]);
  flows.last.deliver('y'.repeat(length));
  expect((await application.next()).toString()).toBe('y'.repeat(length));
});

test('each port that datagrams come from has its own answers', async () => {
  const { flows, port } = await forward();
  const applications = [await UdpApplication.bind(), await UdpApplication.bind()];
  for (const [n, application] of applications.entries()) {
    application.send(`ask ${n}`, port.address.port);
    await expect.poll(() => flows.flows.length).toBe(n + 1);
  }
  for (const [n, flow] of flows.flows.entries()) flow.deliver(`answer ${n}`);
  for (const [n, application] of applications.entries()) {
    expect((await application.next()).toString()).toBe(`answer ${n}`);
  }
});

test('may be closed again, as a port of TCP may', async () => {
  const { port } = await forward();
  await port.close();
  await port.close();
});

test.each([
  [7, 120_000],
  [53, 10_000],
])('to port %i a flow is idle after %i ms', async (targetPort, idle) => {
  const { flows, clock, port } = await forward(undefined, targetPort);
  const application = await UdpApplication.bind();
  application.send('ask', port.address.port);
  await expect.poll(() => flows.living.length).toBe(1);
  clock.advance(idle - 1);
  expect(flows.living.length).toBe(1);
  clock.advance(1);
  expect(flows.last.figures.failure).toBe('TIMED_OUT');
});

test.each([
  ['*', '127.0.0.1'],
  ['*', '::1'],
  ['::1', '::1'],
  ['localhost', '127.0.0.1'],
])('on %s it hears what is sent to %s, and answers', async (host, address) => {
  const { flows, port } = await forward({ host, port: 0 });
  const application = await UdpApplication.bind(host === 'localhost' ? port.address.address : address);
  application.send('ask', port.address.port, host === 'localhost' ? port.address.address : address);
  await expect.poll(() => flows.flows.map(({ sent }) => sent)).toEqual([['ask']]);
  flows.last.deliver('answer');
  expect((await application.next()).toString()).toBe('answer');
});

test('an address that is in use, or is none of this machine, is an error of the system', async () => {
  const { port } = await forward();
  await expect(forward({ host: '127.0.0.1', port: port.address.port })).rejects.toMatchObject({ code: 'EADDRINUSE' });
  await expect(forward({ host: '192.0.2.1', port: 0 })).rejects.toMatchObject({ code: 'EADDRNOTAVAIL' });
  await expect(forward({ host: 'no-such-host.invalid', port: 0 })).rejects.toMatchObject({ syscall: 'getaddrinfo' });
});

test('closed, its flows are over and its port is free', async () => {
  const { flows, port } = await forward();
  const application = await UdpApplication.bind();
  application.send('ask', port.address.port);
  await expect.poll(() => flows.living.length).toBe(1);
  ports.pop();
  await port.close();
  expect(flows.last.figures.failure).toBe('CANCELLED');
  await forward({ host: '127.0.0.1', port: port.address.port });
});
