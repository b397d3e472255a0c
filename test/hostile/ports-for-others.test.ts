import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { startEcho } from 'wsproxy-test-support/destinations/echo';
import { askSocks5, readToEnd } from 'wsproxy-test-support/sockets/application';
import { startEndingFirst } from 'wsproxy-test-support/sockets/ending-first';
import { startClient, startServer } from 'wsproxy-test-support/tunnel';
import { until } from 'wsproxy-test-support/until';

const HOST = '127.0.0.1';
const PORTS = 20;
const TOKENS = { alice: 'a'.repeat(40), mallory: 'm'.repeat(40) };

async function startWatched() {
  const sha256 = (token: string) => createHash('sha256').update(token).digest('hex');
  const [hits, warnings]: [string[], object[]] = [[], []];
  const { server, port } = await startServer({
    limits: { portsPerDestination: PORTS },
    users: [
      { id: 'alice', tokenSha256: sha256(TOKENS.alice) },
      { id: 'mallory', tokenSha256: sha256(TOKENS.mallory) },
    ],
    logger: { debug() {}, info() {}, error() {}, warn: (fields: object) => void warnings.push(fields) },
    observer: { onLimit: (limit) => hits.push(limit) },
  });
  /** The reply to a request of theirs, who ends first, and waits until nothing is left of it at the server. */
  const use = async (local: number, destination: number): Promise<number> => {
    const [reply, socket] = await askSocks5(local, HOST, destination);
    socket.end();
    await readToEnd(socket);
    await until('it is over', () => server.channelCount === 0);
    return reply;
  };
  const enter = async (user: keyof typeof TOKENS) => (await startClient(port, { token: TOKENS[user] })).port;
  return { use, enter, hits, warnings };
}

/** How many ports the system keeps towards `port`, for connections that were ended here. */
function keptTowards(port: number): number {
  const remote = port.toString(16).toUpperCase().padStart(4, '0');
  const rows = readFileSync('/proc/net/tcp', 'utf8').split('\n');
  return rows.filter((row) => new RegExp(`^ *\\d+: \\S+ \\S+:${remote} 06 `).test(row)).length;
}

test('M5 a user who ends connections first leaves no more than half of the local ports, and others reach the same destination', async () => {
  const { use, enter, hits, warnings } = await startWatched();
  const [echo, other, mallory, alice] = [
    await startEcho(),
    await startEcho(),
    await enter('mallory'),
    await enter('alice'),
  ];
  const replies: number[] = [];
  for (let i = 0; i < PORTS; i += 1) replies.push(await use(mallory, echo.port));
  expect(replies).toEqual([...Array(PORTS / 2).fill(0), ...Array(PORTS / 2).fill(1)]);
  if (process.platform === 'linux') expect(keptTowards(echo.port)).toBe(PORTS / 2);
  expect(hits).toEqual(Array(PORTS / 2).fill('portsPerDestination'));
  expect(warnings).toEqual([{ limit: 'portsPerDestination', value: PORTS / 2, user: 'mallory' }]);
  expect([await use(alice, echo.port), await use(mallory, other.port)]).toEqual([0, 0]);
});

test('connections whose destinations end first leave no port here, however many there are', async () => {
  const { enter, hits } = await startWatched();
  const [hello, mallory] = [await startEndingFirst('hello'), await enter('mallory')];
  for (let i = 0; i < PORTS; i += 1) {
    const [reply, socket] = await askSocks5(mallory, HOST, hello.port);
    expect(reply).toBe(0);
    await readToEnd(socket);
    socket.end();
  }
  expect(hits).toEqual([]);
  if (process.platform === 'linux') expect(keptTowards(hello.port)).toBe(0);
});
