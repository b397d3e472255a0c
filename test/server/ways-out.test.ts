import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { startEcho } from 'wsproxy-test-support/destinations/echo';
import { runCommand, start } from 'wsproxy-test-support/programs/command-line';
import { Program } from 'wsproxy-test-support/programs/program';
import { skipUnlessInstalled } from 'wsproxy-test-support/programs/skip-unless-installed';
import { askConnect, askSocks5, bySocks5, connectTo, readBytes } from 'wsproxy-test-support/sockets/application';
import { freePort } from 'wsproxy-test-support/sockets/listen';
import { startNameserver } from 'wsproxy-test-support/sockets/nameserver';
import { temporaryFolder } from 'wsproxy-test-support/temporary-folder';
import { startClient, startTunnel } from 'wsproxy-test-support/tunnel';
import { until } from 'wsproxy-test-support/until';

const CREDENTIALS = { user: 'alice', password: 'wonderland-7' };

async function untilListening(port: number): Promise<void> {
  await until(`something listens on ${port}`, async () => {
    try {
      (await connectTo(port)).destroy();
      return true;
    } catch {
      return false;
    }
  });
}

async function startMicrosocks(): Promise<{ port: number; program: Program }> {
  const port = await freePort();
  const { user, password } = CREDENTIALS;
  const program = new Program('microsocks', ['-i', '127.0.0.1', '-p', String(port), '-u', user, '-P', password]);
  await untilListening(port);
  return { port, program };
}

async function startTinyproxy(): Promise<{ port: number; program: Program }> {
  const port = await freePort();
  const file = join(temporaryFolder(), 'tinyproxy.conf');
  const { user, password } = CREDENTIALS;
  writeFileSync(
    file,
    `Port ${port}\nListen 127.0.0.1\nTimeout 60\nAllow 127.0.0.1\nBasicAuth ${user} ${password}\nLogLevel Info\n`,
  );
  const program = new Program('tinyproxy', ['-d', '-c', file]);
  await untilListening(port);
  return { port, program };
}

async function expectEcho(port: number, host: string, hostPort: number): Promise<void> {
  const socket = await bySocks5(port, host, hostPort);
  // No end yet: microsocks would cut both directions.
  socket.write('through it all');
  expect(String(await readBytes(socket, 14))).toBe('through it all');
  socket.destroy();
}

describe.each([
  ['socks5', 'microsocks', startMicrosocks, 1, 'password'],
  // It says 401 where RFC 9110 section 15.5.8 has 407.
  ['http', 'tinyproxy', startTinyproxy, 1, '401'],
] as const)('--upstream %s:// through %s', (scheme, name, startProxy, refusal, words) => {
  skipUnlessInstalled(name);

  async function prepare(password = CREDENTIALS.password) {
    const [echo, proxy] = [await startEcho(), await startProxy()];
    const upstream = `${scheme}://${CREDENTIALS.user}:${encodeURIComponent(password)}@127.0.0.1:${proxy.port}`;
    const nameserver = await startNameserver(() => ({ records: [{ value: '127.0.0.1' }] }));
    const flags = ['--allow-private', '--upstream', upstream, '--dns', nameserver.address, '--deny', '127.0.0.2'];
    const server = await start('wsproxy-server', flags);
    return { echo, proxy, server, ...(await startClient(server.port)) };
  }

  const written = ({ program }: { program: Program }) => program.stdout + program.stderr;

  test('reaches destinations, which it is given as addresses', async () => {
    const { port, echo, proxy } = await prepare();
    await expectEcho(port, '127.0.0.1', echo.port);
    await expectEcho(port, 'name.test', echo.port);
    await until('the proxy tells of two connections', () => written(proxy).split('127.0.0.1').length > 2);
    expect(written(proxy)).not.toContain('name.test');
  });

  test('is not asked for what is denied', async () => {
    const { port, echo, proxy } = await prepare();
    const before = written(proxy);
    const [reply, socket] = await askSocks5(port, '127.0.0.2', echo.port);
    socket.destroy();
    expect(reply).toBe(2);
    await expectEcho(port, '127.0.0.1', echo.port);
    expect(written(proxy).slice(before.length)).not.toContain('127.0.0.2');
  });

  test('tells applications when it refuses the password, and nobody the password', async () => {
    const { port, echo, server } = await prepare('wrong-secret');
    const [reply, socket] = await askSocks5(port, '127.0.0.1', echo.port);
    socket.destroy();
    expect(reply).toBe(refusal);
    expect(await server.program.untilStderr(/"reason":"(upstream [^"]*)"/)).toContain(words);
    expect(server.program.stderr).not.toContain('wrong-secret');
  });
});

describe('--upstream', () => {
  test('is 03 and 502 when nothing listens there', async () => {
    const upstream = `socks5://127.0.0.1:${await freePort()}`;
    const { port } = await startTunnel({ server: { egress: { upstream } } });
    const [reply, socks] = await askSocks5(port, '127.0.0.1', 80);
    const [status, http] = await askConnect(port, '127.0.0.1', 80);
    socks.destroy();
    http.destroy();
    expect([reply, status]).toEqual([3, 502]);
  });
});

describe('--bind-address', () => {
  test('is where destinations are dialled from', async () => {
    const echo = await startEcho();
    const { port: serverPort } = await start('wsproxy-server', ['--allow-private', '--bind-address', '127.0.0.9']);
    const { port } = await startClient(serverPort);
    const socket = await bySocks5(port, '127.0.0.1', echo.port);
    expect([...echo.sockets].map(({ remoteAddress }) => remoteAddress)).toEqual(['127.0.0.9']);
    socket.destroy();
    const [reply, other] = await askSocks5(port, '::1', echo.port);
    other.destroy();
    expect(reply).toBe(3);
  });
});

describe('a mistake', () => {
  test.each([
    [['--allow', '10.0.0.0/33'], '--allow: not a destination rule: "10.0.0.0/33"'],
    [['--deny', ''], '--deny: not a destination rule: ""'],
    [['--allow-port', 'smtp'], '--allow-port: not a port: "smtp"'],
    [['--upstream', 'ftp://alice:s3cret@proxy'], "--upstream: a proxy's URL cannot begin with ftp://"],
    [['--bind-address', 'eth0'], '--bind-address: not an IP address: "eth0"'],
    [['--dns', 'dns.example.org'], '--dns: not a nameserver: "dns.example.org"'],
  ])('in %j is one line and exit code 2', async (flags, line) => {
    const { code, stderr } = await runCommand('wsproxy-server', [...flags, '--listen', '0']);
    expect(code).toBe(2);
    expect(stderr).toMatch(/^[^\n]+\n$/);
    expect(stderr).toContain(line);
    expect(stderr).not.toContain('s3cret');
  });
});
