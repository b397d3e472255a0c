import { chmodSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { ACCOUNT_HOST, type Logger } from 'wsproxy-engine';
import { startSource } from 'wsproxy-test-support/destinations/source';
import { runCommand } from 'wsproxy-test-support/programs/command-line';
import { askConnect, askSocks5 } from 'wsproxy-test-support/sockets/application';
import { temporaryFolder } from 'wsproxy-test-support/temporary-folder';
import { startClient, startTunnel } from 'wsproxy-test-support/tunnel';
import { until } from 'wsproxy-test-support/until';
import { startFakeServer } from 'wsproxy-test-support/wire/fake-server';
import { Type } from 'wsproxy-test-support/wire/hand-written-frames';
import type { RawWebSocket } from 'wsproxy-test-support/wire/raw-websocket';

const LIMIT = 1_048_576;
const MONTH_END = /^\d{4}-\d\d-01T00:00:00\.000Z$/;

interface Line {
  readonly level: string;
  readonly fields: object;
  readonly message: string;
}

/** A tunnel whose user may carry `LIMIT` bytes a month, and what its server logs. */
async function startLimited(quotaFile: string) {
  const lines: Line[] = [];
  const log = (level: string) => (fields: object, message: string) => void lines.push({ level, fields, message });
  const logger: Logger = { debug: log('debug'), info: log('info'), warn: log('warn'), error: log('error') };
  return { ...(await startTunnel({ server: { limits: { monthlyBytes: LIMIT }, quotaFile, logger } })), lines };
}

type Limited = Awaited<ReturnType<typeof startLimited>>;

/** Downloads until the connection is reset, and why that is. */
async function useUp({ client }: Limited): Promise<string> {
  const source = await startSource('quota', 2 * LIMIT);
  const socket = await client.connect({ host: '127.0.0.1', port: source.port });
  return new Promise((resolve) => {
    socket.on('error', (error: NodeJS.ErrnoException) => resolve(`${error.code}`)).resume();
  });
}

async function accountOf({ client }: Limited): Promise<unknown> {
  const chunks: Buffer[] = [];
  for await (const chunk of (await client.connect({ host: ACCOUNT_HOST, port: 1 })).end()) chunks.push(chunk as Buffer);
  return JSON.parse(String(Buffer.concat(chunks)));
}

test('a used-up quota is told as such to applications, in the log and to the user, also by the next process', async () => {
  const quotaFile = join(temporaryFolder(), 'quota.json');
  const first = await startLimited(quotaFile);
  expect(await accountOf(first)).toEqual({
    user: 'default',
    quota: { bytes: 0, limit: LIMIT, endsAt: expect.stringMatching(MONTH_END) },
  });
  const told = { bytes: 0, limit: LIMIT, endsAt: expect.stringMatching(MONTH_END) };
  expect(first.client.status().quota).toBeUndefined();
  expect(await first.client.quota()).toEqual(told);
  expect(first.client.status().quota).toEqual(told);
  expect(first.client.status().channels).toEqual([]);
  expect(await useUp(first)).toBe('QUOTA_USED_UP');
  expect((await first.client.quota())?.bytes).toBeGreaterThanOrEqual(LIMIT);
  expect(first.lines.filter(({ message }) => message === 'a limit was reached')).toEqual([
    {
      level: 'warn',
      fields: { limit: 'monthlyBytes', value: LIMIT, user: 'default', until: expect.stringMatching(MONTH_END) },
      message: 'a limit was reached',
    },
  ]);
  await first.server.close();

  const next = await startLimited(quotaFile);
  const [[reply], [status]] = await Promise.all([
    askSocks5(next.port, '127.0.0.1', 1),
    askConnect(next.port, '127.0.0.1', 1),
  ]);
  expect([reply, status]).toEqual([0x02, 403]);
  const { quota } = (await accountOf(next)) as { quota: { bytes: number } };
  expect(quota.bytes).toBeGreaterThanOrEqual(LIMIT);
  const { month, bytes } = JSON.parse(readFileSync(quotaFile, 'utf8')) as { month: string; bytes: object };
  expect([month, bytes]).toEqual([new Date().toISOString().slice(0, 7), { default: quota.bytes }]);
});

test('the account is told, and its channel over, also to a client that does not end its half', async () => {
  const { client, server } = await startLimited(join(temporaryFolder(), 'quota.json'));
  const socket = await client.connect({ host: ACCOUNT_HOST, port: 1 }, { allowHalfOpen: true });
  socket.on('error', () => {}).resume();
  await until('the server has let go of it', () => server.channelCount === 0 && socket.destroyed);
});

test('anyone who asks for the account has a place, a turn and an end as any other channel, and no bytes of the month', async () => {
  const limits = { channels: 2, failedDialsPerSecond: 1, failedDialsBurst: 2, monthlyBytes: LIMIT };
  const { client, server } = await startTunnel({ server: { limits } });
  const ask = () => client.connect({ host: ACCOUNT_HOST, port: 1 }, { allowHalfOpen: true });
  const results = await Promise.allSettled(Array.from({ length: 20 }, ask));
  const sockets = results.flatMap((result) => (result.status === 'fulfilled' ? result.value : []));
  for (const socket of sockets) socket.on('error', () => {}).resume();
  expect(sockets).toHaveLength(2);
  expect(results.flatMap((result) => (result.status === 'rejected' ? result.reason.code : []))).toEqual(
    Array.from({ length: 18 }, () => 'LIMIT_REACHED'),
  );
  await until('the server has let go of them', () => server.channelCount === 0);
  expect((await client.quota())?.bytes).toBe(0);
});

test('nobody is asked for the account while nobody looks', async () => {
  const opened: string[] = [];
  const { client, port } = await startTunnel({
    server: { observer: { onChannelOpened: ({ target }) => opened.push(target) } },
  });
  const { address } = await client.serveStatus({ port: 0 });
  const quotaOf = async () => {
    const response = await fetch(`http://127.0.0.1:${address.port}/status.json`);
    return ((await response.json()) as { quota?: { bytes: number } }).quota;
  };
  await askConnect(port, 'throughput.wsproxy.invalid', 1);
  expect([client.status().quota, opened]).toEqual([undefined, ['throughput.wsproxy.invalid:1']]);
  expect(await quotaOf()).toMatchObject({ bytes: 0, endsAt: expect.stringMatching(MONTH_END) });
  expect(await quotaOf()).toMatchObject({ bytes: 0 });
  expect(opened).toEqual(['throughput.wsproxy.invalid:1', `${ACCOUNT_HOST}:1`]);
});

test('a server that does not say that it tells the account is not asked for it', async () => {
  const heard: number[] = [];
  const listen = async (webSocket: RawWebSocket): Promise<void> => {
    for (;;) heard.push((await webSocket.next()).payload[0] ?? 0);
  };
  const { port } = await startFakeServer((webSocket) => void listen(webSocket).catch(() => {}));
  const { client } = await startClient(port);
  expect(await client.quota()).toBeUndefined();
  client.renew();
  await until('something else was said behind it', () => heard.includes(Type.ping));
  expect(heard).not.toContain(Type.open);
});

test('a file of counts that cannot be understood is kept aside, and keeps nobody out', async () => {
  const quotaFile = join(temporaryFolder(), 'quota.json');
  writeFileSync(quotaFile, '{"month":');
  const tunnel = await startLimited(quotaFile);
  expect(await accountOf(tunnel)).toMatchObject({ quota: { bytes: 0 } });
  expect(readFileSync(`${quotaFile}.broken`, 'utf8')).toBe('{"month":');
  expect(tunnel.lines.filter(({ level }) => level === 'error').map(({ fields }) => fields)).toEqual([
    { file: quotaFile, kept: `${quotaFile}.broken` },
  ]);
});

test.each([
  [
    'a file',
    (folder: string) => {
      writeFileSync(join(folder, 'quota.json'), '');
      chmodSync(join(folder, 'quota.json'), 0o666);
    },
    /other users can change .*; run: chmod go-w/,
  ],
  [
    'a folder',
    (folder: string) => chmodSync(folder, 0o777),
    /other users can replace .*: they can write to its folder/,
  ],
  [
    'a link',
    (folder: string) => {
      const kept = join(folder, 'kept');
      mkdirSync(kept, { mode: 0o700 });
      writeFileSync(join(kept, 'quota.json'), '', { mode: 0o600 });
      symlinkSync(join(kept, 'quota.json'), join(folder, 'quota.json'));
      chmodSync(folder, 0o777);
    },
    /other users can replace .*: they can write to its folder/,
  ],
])('%s that other users can change keeps no quotas', async (_what, open, message) => {
  const folder = temporaryFolder();
  const file = join(folder, 'quota.json');
  open(folder);
  const ended = await runCommand('wsproxy-server', ['--quota-file', file, '--listen', '127.0.0.1:0']);
  expect(ended.code).toBe(2);
  expect(ended.stderr).toMatch(message);
  expect(ended.stderr).toMatch(/^wsproxy-server: [^\n]*quota file [^\n]+\n$/);
});
