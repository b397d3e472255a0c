import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { startEcho } from 'wsproxy-test-support/destinations/echo';
import { startSource } from 'wsproxy-test-support/destinations/source';
import { type ProgramName, start, TOKEN } from 'wsproxy-test-support/programs/command-line';
import { type Program, run } from 'wsproxy-test-support/programs/program';
import { skipUnlessInstalled } from 'wsproxy-test-support/programs/skip-unless-installed';
import { bySocks5, readBytes, readToEnd } from 'wsproxy-test-support/sockets/application';
import { temporaryFolder } from 'wsproxy-test-support/temporary-folder';
import { until } from 'wsproxy-test-support/until';

const UP = 100_000;
/** More than all buffers on the way, so that anyone who does not read keeps it from ending. */
const DOWN = 64 * 1024 * 1024;

skipUnlessInstalled('curl');

/** Both programs, with admin pages on a free port, and curl for them. */
async function startAll(...args: string[]) {
  const server = await startProgram('wsproxy-server', '--allow-private', '--admin', '0', ...args);
  const adminPort = Number(await server.program.untilStderr(/"admin":"127\.0\.0\.1:(\d+)"/));
  const client = await startProgram('wsproxy-client', `ws://127.0.0.1:${server.port}/`);
  return { server: server.program, port: client.port, adminPort, ask: asker(`http://127.0.0.1:${adminPort}`) };
}

const startProgram = (name: ProgramName, ...args: string[]) => start(name, args);

/** Asks with curl for a page; the status and the body. */
function asker(url: string, ...always: string[]) {
  return async (path: string, ...args: string[]): Promise<[status: number, body: string]> => {
    const options = ['--silent', '--show-error', '--max-time', '10', '--write-out', '%{http_code}'];
    const { code, stdout, stderr } = await run('curl', [...options, ...always, ...args, `${url}${path}`]);
    if (code !== 0) throw new Error(`curl ended with ${code}: ${stderr}`);
    return [Number(stdout.slice(-3)), stdout.slice(0, -3)];
  };
}

type Ask = ReturnType<typeof asker>;

/** The value of one series. */
async function figure(ask: Ask, series: string): Promise<number> {
  const [, text] = await ask('/metrics');
  const line = text.split('\n').find((each) => each.startsWith(`${series} `));
  return Number(line?.slice(series.length));
}

/** Sends `UP` bytes to a destination that sends `length` and ends. */
async function transfer(proxy: number, length: number): Promise<number> {
  const source = await startSource('admin', length);
  const socket = await bySocks5(proxy, '127.0.0.1', source.port);
  socket.end(Buffer.alloc(UP));
  const { bytes } = await readToEnd(socket);
  return bytes;
}

const logOf = async (program: Program, signal: NodeJS.Signals = 'SIGTERM'): Promise<string> => {
  program.signal(signal);
  return (await program.ended).stderr;
};

describe('the admin pages of the server program', () => {
  test('show the very bytes of a transfer, while it runs and after it', async () => {
    const { port, ask } = await startAll();
    expect(await transfer(port, 1_234_567)).toBe(1_234_567);
    await until(
      'the channel is over',
      async () => (await figure(ask, 'wsproxy_channels_ended_total{outcome="ok"}')) === 1,
    );
    const up = 'wsproxy_bytes_total{user="default",direction="up"}';
    const down = 'wsproxy_bytes_total{user="default",direction="down"}';
    expect([await figure(ask, up), await figure(ask, down)]).toEqual([UP, 1_234_567]);

    const echo = await startEcho();
    const socket = await bySocks5(port, '127.0.0.1', echo.port);
    socket.write('hello');
    await readBytes(socket, 5);
    expect([await figure(ask, up), await figure(ask, down)]).toEqual([UP + 5, 1_234_567 + 5]);
    expect(await figure(ask, 'wsproxy_dials_total{outcome="ok"}')).toBe(2);
    const [status, body] = await ask('/sessions');
    expect(status).toBe(200);
    expect(JSON.parse(body)).toMatchObject({
      sessions: [
        {
          ...{ user: 'default', id: expect.stringMatching(/^[0-9a-f]{8}$/), remoteAddress: '127.0.0.1' },
          ...{ attached: true, resumes: 0 },
          channels: [{ target: `127.0.0.1:${echo.port}`, open: true, bytesUp: 5, bytesDown: 5 }],
        },
      ],
    });
    expect(body).not.toContain(TOKEN);
    socket.destroy();
  });

  test('say not ready from SIGTERM on, while a download goes on to its end', async () => {
    const { server, port, ask } = await startAll();
    const source = await startSource('admin', DOWN);
    const socket = await bySocks5(port, '127.0.0.1', source.port);
    await readBytes(socket, 1_000);
    expect(await ask('/readyz')).toEqual([200, 'ready\n']);
    server.signal('SIGTERM');
    await server.untilStderr(/stopping/);
    expect(await ask('/readyz')).toEqual([503, 'not ready\n']);
    expect(await ask('/healthz')).toEqual([200, 'ok\n']);
    expect(await figure(ask, 'wsproxy_ready')).toBe(0);
    expect(await figure(ask, 'wsproxy_channels{user="default"}')).toBe(1);
    expect(await readToEnd(socket)).toEqual({ bytes: DOWN - 1_000, by: 'end' });
    socket.end();
    expect((await server.ended).code).toBe(0);
  });

  test('refuse web pages, by rebound names or from other origins', async () => {
    const { adminPort, ask } = await startAll();
    const rebound = ['--resolve', `evil.example:${adminPort}:127.0.0.1`];
    const evil = asker(`http://evil.example:${adminPort}`, ...rebound);
    for (const path of ['/metrics', '/sessions', '/healthz']) expect((await evil(path))[0]).toBe(421);
    expect((await ask('/sessions', '--header', 'Origin: https://evil.example'))[0]).toBe(403);
    expect((await ask('/sessions', '--data', 'x'))[0]).toBe(405);
    expect((await asker(`http://localhost:${adminPort}`, '--ipv4')('/healthz'))[0]).toBe(200);
  });

  test('are out of reach for tunnels, even where private destinations are allowed', async () => {
    const { port, adminPort, ask } = await startAll();
    const { code } = await run('curl', [
      '--silent',
      '-x',
      `socks5h://127.0.0.1:${port}`,
      `http://127.0.0.1:${adminPort}/`,
    ]);
    expect(code).toBe(97);
    expect(await figure(ask, 'wsproxy_dials_total{outcome="DENIED"}')).toBe(1);
  });

  test('are served on a Unix socket too', async () => {
    const path = join(temporaryFolder(), 'admin.sock');
    const { program } = await startProgram('wsproxy-server', '--admin', `unix:${path}`);
    expect(await asker('http://admin', '--unix-socket', path)('/readyz')).toEqual([200, 'ready\n']);
    expect((await logOf(program)).includes(`"admin":"unix:${path}"`)).toBe(true);
  });
});

describe('the access log', () => {
  test('has one line for each connection', async () => {
    const { server, port } = await startAll();
    await transfer(port, 1_234_567);
    await server.untilStderr(/channel over/);
    const lines = (await logOf(server)).split('\n').filter((line) => line.includes('channel over'));
    expect(lines.map((line) => JSON.parse(line) as object)).toMatchObject([
      {
        ...{ level: 'info', user: 'default', address: '127.0.0.1', outcome: 'ok', bytesUp: UP, bytesDown: 1_234_567 },
        ...{ target: expect.stringMatching(/^127\.0\.0\.1:\d+$/), durationMs: expect.any(Number) },
      },
    ]);
  });

  test('can be switched off, and then no line says what users connect to', async () => {
    const { server, port } = await startAll('--no-access-log', '--log-level', 'debug');
    const echo = await startEcho();
    const socket = await bySocks5(port, 'localhost', echo.port);
    socket.end('hello');
    await readToEnd(socket);
    await server.untilStderr(/channel opened/);
    await run('curl', ['--silent', '-x', `socks5h://127.0.0.1:${port}`, 'http://planted.invalid:81/']);
    await run('curl', ['--silent', '-x', `socks5h://127.0.0.1:${port}`, 'http://169.254.169.254:82/']);
    await server.untilStderr(/channel refused[^]*channel refused/);
    const log = await logOf(server);
    expect(log).not.toMatch(/channel over|planted|169\.254|localhost|:81\b|:82\b/);
    expect(log).not.toContain(String(echo.port));
    expect(log).toMatch(/"code":"DENIED"[^\n]*channel refused/);
  });
});
