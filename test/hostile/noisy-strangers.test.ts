import { request } from 'node:http';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { makeCertificate } from 'wsproxy-test-support/certificate';
import { startEcho } from 'wsproxy-test-support/destinations/echo';
import { start } from 'wsproxy-test-support/programs/command-line';
import type { Program } from 'wsproxy-test-support/programs/program';
import { skipUnlessInstalled } from 'wsproxy-test-support/programs/skip-unless-installed';
import { startCrowd } from 'wsproxy-test-support/programs/strangers';
import { bySocks5 } from 'wsproxy-test-support/sockets/application';
import { CuttingRelay } from 'wsproxy-test-support/sockets/cutting-relay';
import { temporaryFolder } from 'wsproxy-test-support/temporary-folder';
import { startClient } from 'wsproxy-test-support/tunnel';
import { until } from 'wsproxy-test-support/until';
import { RawPeer } from 'wsproxy-test-support/wire/raw-peer';
import { useHonestly } from './honest-user.js';

const SIZE = 8 * 1024 * 1024;
const OPENS = 30;
const CUTS = 5;
const TOKENS = 60;

/** What an honest user loses to a crowd: of so many each, how many failed. */
interface Losses {
  readonly opens: number;
  readonly bytes: number;
  readonly tokens: number;
  readonly probes: number;
}

const NOTHING: Losses = { opens: 0, bytes: 0, tokens: 0, probes: 0 };

function statusOf(port: number, path: string): Promise<number | string> {
  return new Promise((resolve) => {
    request({ host: '127.0.0.1', port, path, agent: false }, (response) => {
      response.resume();
      resolve(response.statusCode ?? 0);
    })
      .on('error', (error) => resolve(String(error)))
      .end();
  });
}

/** Everything that an honest user does, while anyone who is around does what they do. */
async function useAll(
  relay: CuttingRelay,
  port: number,
  healthPort: number,
  connect: () => Promise<unknown>,
): Promise<Losses> {
  const lost = { tokens: 0, probes: 0 };
  const come = async (): Promise<void> => {
    for (let i = 0; i < TOKENS; i += 1) await connect().catch(() => (lost.tokens += 1));
  };
  const probe = async (): Promise<void> => {
    for (let i = 0; i < TOKENS; i += 1) if ((await statusOf(healthPort, '/healthz')) !== 200) lost.probes += 1;
  };
  const use = { size: SIZE, cuts: CUTS, opens: OPENS };
  const [failed] = await Promise.all([useHonestly(relay, port, use), come(), probe()]);
  return { ...lost, ...failed };
}

async function startHonest(args: readonly string[] = []) {
  const server = await start('wsproxy-server', ['--allow-private', '--admin', '0', '--health', '0', ...args]);
  const port = async (name: string) => Number(await server.program.untilStderr(new RegExp(`"${name}":"[^"]+:(\\d+)"`)));
  return { ...server, admin: await port('admin'), health: await port('health') };
}

async function metric(port: number, name: string): Promise<number> {
  const text = await (await fetch(`http://127.0.0.1:${port}/metrics`)).text();
  const values = [...text.matchAll(new RegExp(`^${name}(?:\\{[^}]*\\})? (\\d+)$`, 'gm'))].map(([, value]) =>
    Number(value),
  );
  return values.reduce((sum, value) => sum + value, 0);
}

describe('L1 beside a crowd of strangers at the same address, an honest user loses nothing', () => {
  test.each([
    ['silent', 1_100, 'wsproxy_limits_hit_total\\{limit="unauthenticated"\\}'],
    ['thousand', 1_000, 'wsproxy_limits_hit_total\\{limit="unauthenticated"\\}'],
    ['expecting', 256, 'wsproxy_refused_requests_total\\{status="401"\\}'],
    ['slow-header', 1_100, 'wsproxy_limits_hit_total\\{limit="unauthenticated"\\}'],
    ['slow-body', 256, 'wsproxy_refused_requests_total\\{status="401"\\}'],
    ['pipelined', 256, 'wsproxy_refused_requests_total\\{status="401"\\}'],
    ['wrong-token', 256, 'wsproxy_refused_requests_total\\{status="401"\\}'],
    ['half-pair', 256, 'wsproxy_refused_requests_total\\{status="401"\\}'],
    ['garbage', 256, 'wsproxy_refused_requests_total\\{status="400"\\}'],
  ])('%s', async (kind, count, counted) => {
    const server = await startHonest();
    const relay = await new CuttingRelay(server.port).start();
    const client = await startClient(relay.port);
    const end = await startCrowd(kind, server.port, count);
    await until('the crowd is felt', async () => (await metric(server.admin, counted)) > 0);
    const lost = await useAll(relay, client.port, server.health, async () => {
      (await RawPeer.connect(server.port)).webSocket.terminate();
    });
    const connections = await end();
    const [hits, lines] = [await metric(server.admin, counted), refusalsIn(server.program)];
    console.log(`${kind}: ${connections} connections, ${hits} counted, ${lines} lines; lost ${JSON.stringify(lost)}`);
    expect(lost).toEqual(NOTHING);
    expect(hits).toBeGreaterThan(0);
    // A hundred at once and one a second, of however many: a log must not be the next thing to be flooded.
    expect(lines).toBeLessThan(100 + 90);
  });
});

/** Lines of the log about strangers. */
function refusalsIn({ stderr }: Program): number {
  return stderr.split('\n').filter((line) => /refused a request|took too long|handshake failed|"limit"/.test(line))
    .length;
}

describe('L2 beside a crowd that keeps a TLS server busy', () => {
  skipUnlessInstalled('openssl');

  test.each([
    ['slow-handshake', 1_100],
    ['idle-tls', 200],
    ['silent', 1_100],
  ])('%s', async (kind, count) => {
    const folder = temporaryFolder();
    const certificate = await makeCertificate(folder, 'IP:127.0.0.1', 2);
    const args = ['--tls-cert', certificate.file, '--tls-key', join(folder, 'key')];
    const server = await startHonest([...args, '--max-unauthenticated', '128']);
    const end = await startCrowd(kind, server.port, count);
    const client = await start('wsproxy-client', [`wss://127.0.0.1:${server.port}/`], {
      env: { NODE_EXTRA_CA_CERTS: certificate.file },
    });
    const echo = await startEcho();
    let failed = 0;
    for (let i = 0; i < OPENS; i += 1) {
      const socket = await bySocks5(client.port, '127.0.0.1', echo.port).catch(() => undefined);
      if (socket === undefined) failed += 1;
      socket?.destroy();
      if ((await statusOf(server.health, '/healthz')) !== 200) failed += 1;
    }
    expect(failed).toBe(0);
    console.log(`${kind}: ${await end()} connections`);
  });
});

test('L3 a WebSocket with the right token that then says nothing has a deadline', async () => {
  const { port, program } = await start('wsproxy-server', []);
  const silent = await RawPeer.connect(port);
  expect(await silent.closed).toMatchObject({ code: 4007, reason: 'no HELLO or RESUME in time' });
  await until('it is in the log', () => /no HELLO or RESUME in time/.test(program.stderr));
});
