import { createHash } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeEach, expect, test } from 'vitest';
import { createClient, receivePushes } from 'wsproxy-client';
import { createPushes, createServer, type Pushes, type UserEntry } from 'wsproxy-server';
import { Authority } from 'wsproxy-test-support/authority';
import { atEnd } from 'wsproxy-test-support/cleanup/at-end';
import { type Listening, start } from 'wsproxy-test-support/programs/command-line';
import { RedisProgram } from 'wsproxy-test-support/programs/redis-store';
import { skipUnlessInstalled } from 'wsproxy-test-support/programs/skip-unless-installed';
import { CuttingRelay } from 'wsproxy-test-support/sockets/cutting-relay';
import { freePort } from 'wsproxy-test-support/sockets/listen';
import { temporaryFolder } from 'wsproxy-test-support/temporary-folder';
import { until } from 'wsproxy-test-support/until';

skipUnlessInstalled('openssl');
skipUnlessInstalled('redis-server');

const CLIENTS = 24;
const STREAM = 'news';

const tokenOf = (id: string): string => `a-token-that-is-long-enough-of-${id}`;
const sha256 = (text: string): string => createHash('sha256').update(text).digest('hex');
const users: UserEntry[] = Array.from({ length: CLIENTS }, (_, n) => ({
  id: `user-${n}`,
  tokenSha256: sha256(tokenOf(`user-${n}`)),
}));

let folder: string;
let authority: Authority;
let redis: RedisProgram;
beforeEach(async () => {
  folder = temporaryFolder();
  authority = new Authority('cluster');
  atEnd(() => authority.remove());
  inFolder('ca', authority.cert);
  inFolder(
    'users.yaml',
    users.map(({ id, tokenSha256 }) => `- { id: ${id}, token: sha256:${tokenSha256} }\n`).join(''),
  );
  redis = new RedisProgram();
  await redis.start();
});

function inFolder(name: string, text: string): string {
  writeFileSync(join(folder, name), text, { mode: 0o600 });
  return join(folder, name);
}

/** A server that clients come to, as a process of its own. */
async function startNode(name: string, more: readonly string[] = []): Promise<Listening> {
  const { cert, key } = authority.issue(name);
  const door = await freePort();
  const files = ['--cluster-cert', inFolder(`${name}.crt`, cert), '--cluster-key', inFolder(`${name}.key`, key)];
  const args = [
    ...['--node', name, '--users', join(folder, 'users.yaml'), '--cluster', redis.url, ...more],
    ...['--cluster-listen', `127.0.0.1:${door}`, '--cluster-advertise', `127.0.0.1:${door}`],
    ...['--cluster-ca', join(folder, 'ca'), ...files],
  ];
  return start('wsproxy-server', args, { token: null });
}

/** What sends, in a server to which no client comes. */
async function startSender(): Promise<Pushes> {
  const server = createServer({ users, node: 'sender' });
  atEnd(() => server.close());
  const pushes = createPushes(server);
  atEnd(() => pushes.close());
  await server.listenInner({ tls: { ...authority.issue('sender'), ca: authority.cert } });
  await server.share({ store: redis.url });
  return pushes;
}

/** A client of each user, at one of `entrances` or another; what each has had. */
async function startClients(entrances: readonly number[]): Promise<Map<string, number[]>> {
  const had = new Map<string, number[]>();
  for (const [n, { id }] of users.entries()) {
    const [url = '', ...others] = entrances.map(
      (_, i) => `ws://127.0.0.1:${entrances[(i + n) % entrances.length] ?? 0}/`,
    );
    const client = createClient({ url, token: tokenOf(id), fallbacks: others.map((each) => ({ url: each })) });
    atEnd(() => client.close());
    const numbers: number[] = [];
    had.set(id, numbers);
    receivePushes(client, STREAM, (message) => void numbers.push(Number(String(message))));
    await client.start();
  }
  return had;
}

/** Sends a message to each user again and again, until what is returned is called; that says how many each was sent. */
function sendToAll(pushes: Pushes): () => number {
  let sent = 0;
  const timer = setInterval(() => {
    sent += 1;
    for (const { id } of users) void pushes.send(id, STREAM, String(sent));
  }, 20);
  atEnd(() => clearInterval(timer));
  return () => {
    clearInterval(timer);
    return sent;
  };
}

async function expectAll(had: ReadonlyMap<string, readonly number[]>, sent: number): Promise<void> {
  await until('each has had the last one', () => [...had.values()].every((numbers) => numbers.at(-1) === sent));
  const all = Array.from({ length: sent }, (_, i) => i + 1);
  for (const numbers of had.values()) expect(numbers).toEqual(all);
}

test('a killed node, and cut connections, cost no message, and bring none twice', async () => {
  const nodes = [await startNode('one'), await startNode('two')];
  const relays = await Promise.all(nodes.map(({ port }) => new CuttingRelay(port).start()));
  const pushes = await startSender();
  const had = await startClients(relays.map(({ port }) => port));
  const stop = sendToAll(pushes);
  const someHave = (count: number) => () => [...had.values()].every(({ length }) => length >= count);
  await until('all have some', someHave(20));
  for (const relay of relays) relay.cut('reset');
  await until('all have more', someHave(60));
  nodes[0]?.program.signal('SIGKILL');
  await nodes[0]?.program.ended;
  const atKill = [...had.values()].map(({ length }) => length);
  await until('all have more again', () => [...had.values()].every(({ length }, i) => length > (atKill[i] ?? 0) + 20));
  await expectAll(had, stop());
});

test('what was sent while nobody was there comes at once when a client comes to a worker of another node', async () => {
  const node = await startNode('one', ['--workers', '2']);
  const pushes = await startSender();
  const [{ id = '' } = {}] = users;
  for (const text of ['1', '2', '3']) await pushes.send(id, STREAM, text);
  const had = await startClients([node.port]);
  await until('it has all', () => had.get(id)?.length === 3);
  expect(had.get(id)).toEqual([1, 2, 3]);
});
