import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { createClient, receivePushes } from 'wsproxy-client';
import { atEnd } from 'wsproxy-test-support/cleanup/at-end';
import { Program } from 'wsproxy-test-support/programs/program';
import { CuttingRelay } from 'wsproxy-test-support/sockets/cutting-relay';
import { freePort } from 'wsproxy-test-support/sockets/listen';
import { temporaryFolder } from 'wsproxy-test-support/temporary-folder';
import { until } from 'wsproxy-test-support/until';

const CLIENTS = 200;
const script = (name: string): string => fileURLToPath(new URL(`../../examples/push/${name}`, import.meta.url));
const tokenOf = (user: string): string => `token-of-${user}-0123456789-0123456789`;

test(`push: ${CLIENTS} clients have every message once and in order, over cuts, and kills of both ends`, {
  timeout: 300_000,
}, async () => {
  const folder = temporaryFolder();
  const port = await freePort();
  const users = Array.from({ length: CLIENTS }, (_, n) => `user-${n}`);
  const tokens = Object.fromEntries(users.map((user) => [user, tokenOf(user)]));
  const startServer = async (): Promise<Program> => {
    const env = { USERS: JSON.stringify(tokens), PORT: String(port) };
    const server = new Program(process.execPath, [script('server.mjs'), join(folder, 'messages.log')], { env });
    await server.untilStdout(/127\.0\.0\.1:\d+/);
    return server;
  };
  const relay = await new CuttingRelay(port).start();
  const url = `ws://127.0.0.1:${relay.port}/tunnel`;
  const sent = new Map<string, string[]>(users.map((user) => [user, []]));
  const had = new Map<string, string[]>(users.map((user) => [user, []]));

  const [program = '', ...others] = users;
  const hadFile = join(folder, 'had.json');
  const startProgram = (): Program =>
    new Program(process.execPath, [script('client.mjs'), url, hadFile], { env: { WSPROXY_TOKEN: tokenOf(program) } });
  for (const user of others) {
    const client = createClient({ url, token: tokenOf(user) });
    atEnd(() => client.close());
    receivePushes(client, 'messages', (message) => void had.get(user)?.push(String(message)));
    void client.start();
  }
  const post = async (count: number): Promise<void> => {
    for (let n = 0; n < count; n++) {
      for (const user of users) {
        const text = `${n} of ${count} for ${user} (${sent.get(user)?.length})`;
        const { status } = await fetch(`http://127.0.0.1:${port}/push/${user}`, { method: 'POST', body: text });
        expect(status).toBe(202);
        sent.get(user)?.push(text);
      }
    }
  };
  const ofProgram = (): string[] => {
    try {
      return JSON.parse(readFileSync(hadFile, 'utf8')).messages;
    } catch {
      return [];
    }
  };
  const count = (): number => [...had.values()].reduce((sum, { length }) => sum + length, ofProgram().length);
  const total = (): number => [...sent.values()].reduce((sum, { length }) => sum + length, 0);

  let server = await startServer();
  let client = startProgram();
  await post(3);
  // Some have come, and not all of that is acknowledged.
  relay.cut('reset');
  client.child.kill('SIGKILL');
  await client.ended;
  await post(2);
  client = startProgram();
  await until('all have come', () => count() === total(), 60_000);

  // What is handled is not acknowledged: the answers are on their way when both ends are killed.
  relay.hold('up');
  await post(2);
  await until('all have come', () => count() === total(), 60_000);
  client.child.kill('SIGKILL');
  server.child.kill('SIGKILL');
  await Promise.all([client.ended, server.ended]);
  relay.cut('reset');
  relay.release();
  server = await startServer();
  client = startProgram();
  await post(2);
  relay.cut('end');
  await until('all have come', () => count() === total(), 120_000);

  had.set(program, ofProgram());
  for (const user of users) expect([user, had.get(user)]).toEqual([user, sent.get(user)]);
  expect(server.stdout).not.toBe('');
});
