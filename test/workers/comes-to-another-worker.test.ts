import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { statSync, writeFileSync } from 'node:fs';
import { get } from 'node:http';
import { connect } from 'node:net';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { connect as connectTls, type TLSSocket } from 'node:tls';
import { describe, expect, test } from 'vitest';
import { makeCertificate } from 'wsproxy-test-support/certificate';
import { startEcho } from 'wsproxy-test-support/destinations/echo';
import { startSource } from 'wsproxy-test-support/destinations/source';
import { KeystreamChecker } from 'wsproxy-test-support/keystream';
import { launch, start } from 'wsproxy-test-support/programs/command-line';
import { skipUnlessInstalled } from 'wsproxy-test-support/programs/skip-unless-installed';
import { bySocks5, readToEnd } from 'wsproxy-test-support/sockets/application';
import { type Cut, startCuttingRelay } from 'wsproxy-test-support/sockets/cutting-relay';
import { temporaryFolder } from 'wsproxy-test-support/temporary-folder';
import { startClient } from 'wsproxy-test-support/tunnel';
import { expectEcho, lines, pageOf, portOf, readyLine } from './workers.js';

const KILLS = 100;
/** Bytes: more than are in flight, which are sent again. */
const EVERY = 500_000;

// Both at the same time: most of it is waiting for the next attempt.
test('a resume that comes to another worker reaches its session: 1 connection and 4, a hundred kills each, every byte', {
  timeout: 120_000,
}, async () => {
  await Promise.all([downloadOverKills(1), downloadOverKills(4)]);
});

async function downloadOverKills(connections: number): Promise<void> {
  const length = KILLS * EVERY;
  const [source, server] = await Promise.all([
    startSource('resumes', length),
    start('wsproxy-server', ['--allow-private', '--workers', '4', '--admin', '127.0.0.1:0']),
  ]);
  const kinds = Array.from({ length: KILLS }, (_, n): Cut => (n % 2 === 0 ? 'reset' : 'end'));
  const relay = await startCuttingRelay({ to: server.port, every: EVERY, kinds });
  const client = await startClient(relay.port, { connections });
  const checker = new KeystreamChecker('resumes');
  const ending = await readToEnd(await bySocks5(client.port, '127.0.0.1', source.port), (chunk) => checker.push(chunk));
  expect(ending).toEqual({ bytes: length, by: 'end' });
  expect(relay.cuts).toBe(KILLS);
  const metrics = await pageOf(server.program, '/metrics');
  const passed = Number(/^wsproxy_hand_ons_total\{outcome="passed"\} (\d+)$/m.exec(metrics)?.[1]);
  expect(passed).toBeGreaterThan(KILLS / 4);
  const refused = lines(server.program, 'refused a session');
  // A transport may be cut, or given up, before it has said a word.
  expect(refused.filter(({ reason }) => !String(reason).startsWith('closed before HELLO'))).toEqual([]);
  expect(lines(server.program, /^a worker has ended/)).toEqual([]);
}

describe('workers serve', () => {
  skipUnlessInstalled('openssl');

  test('TLS, and each resumes the TLS sessions of the others', async () => {
    const folder = temporaryFolder();
    const { cert, key } = await makeCertificate(folder, 'IP:127.0.0.1', 2);
    const [certFile, keyFile] = [join(folder, 'chain'), join(folder, 'private')];
    writeFileSync(certFile, cert);
    writeFileSync(keyFile, key, { mode: 0o600 });
    const { port } = await start('wsproxy-server', ['--workers', '3', '--tls-cert', certFile, '--tls-key', keyFile]);
    const open = (session?: Buffer): TLSSocket => {
      const socket = connectTls({ port, host: '127.0.0.1', rejectUnauthorized: false, ...(session && { session }) });
      socket.write('GET / HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n');
      return socket.resume();
    };
    const [session] = (await once(open(), 'session')) as [Buffer];
    for (let n = 0; n < 6; n++) {
      const socket = open(session);
      await once(socket, 'secureConnect');
      expect(socket.isSessionReused()).toBe(true);
      socket.destroy();
    }
  });

  test('a Unix socket, for which nobody else has rights, and which is gone afterwards', async () => {
    const folder = temporaryFolder();
    const path = join(folder, `${randomUUID()}.sock`);
    const program = launch('wsproxy-server', ['--workers', '2', '--listen', `unix:${path}`, '--log-format', 'json']);
    await program.untilStderr(/"ready"/);
    expect(readyLine(program)['listen']).toBe(`unix:${path}`);
    expect(statSync(path).mode & 0o777).toBe(0o600);
    for (let n = 0; n < 4; n++) {
      const socket = connect(path);
      socket.end('GET / HTTP/1.1\r\nHost: here\r\n\r\n');
      expect(await text(socket)).toMatch(/^HTTP\/1.1 401 /);
    }
    program.signal('SIGTERM');
    expect(await program.ended).toMatchObject({ code: 0 });
    expect(statSync(path, { throwIfNoEntry: false })).toBeUndefined();
  });

  test('no more sessions of one user than that one may have, no matter which worker they come to', async () => {
    const { program, port } = await start('wsproxy-server', ['--workers', '2', '--max-sessions-per-user', '2']);
    for (const _ of [1, 2]) await startClient(port);
    const third = launch('wsproxy-client', [`ws://127.0.0.1:${port}/`, '--listen', '0', '--log-format', 'json']);
    await third.untilStderr(/too many sessions|429/);
    expect(lines(program, 'session began')).toHaveLength(2);
  });

  test('the pages of one server: sessions of all, sums that never fall, and whether it is ready', async () => {
    const echo = await startEcho();
    const args = ['--allow-private', '--workers', '2', '--admin', '127.0.0.1:0', '--health', '127.0.0.1:0'];
    const { program, port } = await start('wsproxy-server', args);
    for (const _ of [1, 2]) {
      const client = await startClient(port);
      const application = await bySocks5(client.port, '127.0.0.1', echo.port);
      await expectEcho(application, 'counted');
    }
    const { sessions } = JSON.parse(await pageOf(program, '/sessions')) as { sessions: unknown[] };
    expect(sessions).toHaveLength(2);
    const before = await pageOf(program, '/metrics');
    expect(before).toContain('\nwsproxy_sessions{user="default",state="attached"} 2\n');
    expect(before).toContain('\nwsproxy_bytes_total{user="default",direction="up"} 14\n');
    expect(before).toContain('\nwsproxy_workers{state="serving"} 2\n');
    expect(before).toContain('\nwsproxy_ready 1\n');
    const began = Number(/^wsproxy_sessions_began_total\{user="default"\} (\d+)$/m.exec(before)?.[1]);
    for (const line of lines(program, 'a worker is ready')) process.kill(Number(line['pid']), 'SIGKILL');
    await program.untilStderr(/"worker":[34],[^\n]*"a worker is ready"[^]*"worker":[34],[^\n]*"a worker is ready"/);
    const after = await pageOf(program, '/metrics');
    expect(after).toContain('\nwsproxy_workers_lost_total 2\n');
    const now = Number(/^wsproxy_sessions_began_total\{user="default"\} (\d+)$/m.exec(after)?.[1]);
    expect(now).toBeGreaterThanOrEqual(began);
    const [response] = await once(
      get({ port: portOf(program, 'health'), host: '127.0.0.1', path: '/readyz' }),
      'response',
    );
    expect([response.statusCode, await text(response)]).toEqual([200, 'ready\n']);
  });
});
