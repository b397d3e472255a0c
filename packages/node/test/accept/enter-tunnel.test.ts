import { afterEach, expect, test } from 'vitest';
import {
  CloseCode,
  formatTarget,
  joinUngreeted,
  MemoryTransport,
  type OfferedChannel,
  Session,
  silentLogger,
  systemClock,
  systemMemory,
} from 'wsproxy-engine';
import { echo } from 'wsproxy-test-support/test-tunnel';
import type { LocalPort } from '../../src/accept/accept-local.js';
import { forwardLocal } from '../../src/accept/forward.js';
import { listenLocal } from '../../src/accept/local-port.js';
import { Application } from './application.js';

const at = { host: '127.0.0.1', port: 0 };
const sessions: Session[] = [];
const ports: LocalPort[] = [];

afterEach(async () => {
  for (const session of sessions.splice(0)) session.close('the test is over', CloseCode.normal);
  await Promise.all(ports.splice(0).map((port) => port.close()));
});

/** The server's end of a session whose client takes what it opens. */
function serverEnd(onChannel: (channel: OfferedChannel) => void): Session {
  const common = { clock: systemClock, memory: systemMemory, onDetached() {}, onClosed() {} };
  const client = new Session({ ...common, role: 'client', onChannel });
  const server = new Session({ ...common, role: 'server' });
  const [near, far] = MemoryTransport.pair(setImmediate);
  joinUngreeted(client, near);
  joinUngreeted(server, far);
  sessions.push(client, server);
  return server;
}

test('listeners serve at the server as they do at the client: whose session it is they do not know', async () => {
  const targets: string[] = [];
  const server = serverEnd((channel) => {
    targets.push(formatTarget(channel.target));
    echo(channel);
  });
  const target = { host: 'home.example', port: 22 };
  const forwarded = await forwardLocal(server, { at, target, logger: silentLogger });
  const proxy = await listenLocal(server, { at });
  ports.push(forwarded, proxy);

  const first = (await Application.connect(forwarded.address.port)).send('hello');
  await first.until((text) => text === 'hello');
  const second = (await Application.connect(proxy.address.port)).send(
    'CONNECT nas.example:443 HTTP/1.1\r\nHost: nas.example:443\r\n\r\nearly',
  );
  await second.until((text) => text.endsWith('\r\n\r\nearly'));
  expect([targets, second.text]).toEqual([
    ['home.example:22', 'nas.example:443'],
    expect.stringMatching(/^HTTP\/1.1 200 /),
  ]);
});
