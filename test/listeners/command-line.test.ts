import { statSync, writeFileSync } from 'node:fs';
import { createServer as createSecureServer } from 'node:https';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { makeCertificate } from 'wsproxy-test-support/certificate';
import { atEnd } from 'wsproxy-test-support/cleanup/at-end';
import { startDatagramEcho } from 'wsproxy-test-support/destinations/datagram-echo';
import { startEcho } from 'wsproxy-test-support/destinations/echo';
import { startWebFiles } from 'wsproxy-test-support/destinations/web-files';
import { launch, runCommand, start, TOKEN } from 'wsproxy-test-support/programs/command-line';
import { type Program, run } from 'wsproxy-test-support/programs/program';
import { skipUnlessInstalled } from 'wsproxy-test-support/programs/skip-unless-installed';
import { connectTo, readBytes } from 'wsproxy-test-support/sockets/application';
import { bindDatagrams } from 'wsproxy-test-support/sockets/datagram-socket';
import { freePort, listen, listenOn } from 'wsproxy-test-support/sockets/listen';
import { temporaryFolder } from 'wsproxy-test-support/temporary-folder';
import { until } from 'wsproxy-test-support/until';

/** A server that lets others listen, unless told otherwise, and its URL. */
async function startReverseServer(...args: string[]) {
  const { port, program } = await start('wsproxy-server', args.length > 0 ? args : ['--reverse']);
  return { url: `ws://127.0.0.1:${port}/`, program };
}

function launchClient(url: string, ...args: string[]): Program {
  return launch('wsproxy-client', [url, '--log-format', 'json', ...args]);
}

/** Where the server listens for a -R that asks for `listener`. */
const addressOf = (client: Program, listener: string): Promise<string> =>
  client.untilStderr(new RegExp(`"listener":"${escaped(listener)}","address":"([^"]+)"[^\\n]*"the server listens"`));
const portOf = async (client: Program, listener: string): Promise<number> =>
  Number(
    (await addressOf(client, listener))
      .replace(/\/udp$/, '')
      .split(':')
      .pop(),
  );
const escaped = (text: string): string => text.replace(/[.*+?^${}()|[\]\\]/g, String.raw`\$&`);

/** Of version 2 of the PROXY protocol, for IPv4, bytes. */
const HEAD = 28;
const SHORT = ['-sS', '-o', '/dev/null', '-w', '%{http_code} %{size_download}'];

describe('-R', () => {
  skipUnlessInstalled('curl');
  skipUnlessInstalled('openssl');

  test('carries what comes to a port, an address, a range or a Unix socket of the server', async () => {
    const files = await startWebFiles();
    const folder = temporaryFolder();
    const rules = ['127.0.0.1:1024-65535', `unix:${folder}/*`].flatMap((rule) => ['--allow-listen', rule]);
    const { url } = await startReverseServer('--reverse', ...rules);
    const [one, first] = [await freePort(), await freePairOfPorts()];
    const path = join(folder, 'web.sock');
    const client = launchClient(
      ...[url, '-R', `localhost:${one}:localhost:${files.port}`, '-R', `0:127.0.0.1:${files.port}`],
      ...[
        '-R',
        `${first}-${first + 1}:127.0.0.1:${files.port}-${files.port + 1}`,
        '-R',
        `${path}:localhost:${files.port}`,
      ],
    );
    const chosen = await portOf(client, '127.0.0.1:0');
    await addressOf(client, `127.0.0.1:${first}`);
    await addressOf(client, `127.0.0.1:${first + 1}`);
    await addressOf(client, `localhost:${one}`);
    expect(await addressOf(client, `unix:${path}`)).toBe(`unix:${path}`);
    for (const port of [one, chosen, first]) {
      const ended = await run('curl', [...SHORT, `http://127.0.0.1:${port}/x/1000`]);
      expect(ended).toMatchObject({ stdout: '200 1000', stderr: '' });
    }
    expect(statSync(path).mode & 0o777).toBe(0o600);
    const ended = await run('curl', [...SHORT, '--unix-socket', path, 'http://localhost/x/1000']);
    expect(ended).toMatchObject({ stdout: '200 1000', stderr: '' });
    // Neither -D nor its default.
    expect(client.stderr).not.toMatch(/"listen":/);
    client.signal('SIGTERM');
    expect(await client.ended).toMatchObject({ code: 0 });
  });

  test('carries datagrams, and leads to a Unix socket of this machine', async () => {
    const [datagrams, path] = [await startDatagramEcho(), join(temporaryFolder(), 'echo.sock')];
    const client = launchClient(
      ...[(await startReverseServer()).url, '-R', `0:127.0.0.1:${datagrams.port}/udp`, '-R', `0:${path}`],
    );
    const udp = await portOf(client, '127.0.0.1:0/udp');
    const heard: string[] = [];
    const socket = await bindDatagrams((data) => void heard.push(data.toString()));
    await until('an answer has come', async () => {
      await socket.send(Buffer.from('hello'), udp);
      return heard.includes('hello');
    });
    const echo = createServer({ allowHalfOpen: true }, (socket) => void socket.pipe(socket));
    atEnd(() => echo.close());
    await new Promise<void>((resolve) => void echo.listen(path, resolve));
    const visitor = await connectTo(await portOf(client, '127.0.0.1:0'));
    visitor.end('hello');
    expect((await readBytes(visitor, 5)).toString()).toBe('hello');
  });

  test('with /proxy-v2, or --proxy-protocol v2 for all, tells the destination who connects', async () => {
    const echo = await startEcho();
    const { url } = await startReverseServer();
    for (const args of [
      ['-R', `0:127.0.0.1:${echo.port}/proxy-v2`],
      ['--proxy-protocol', 'v2', '-R', `0:127.0.0.1:${echo.port}`],
    ]) {
      const client = launchClient(url, ...args);
      const visitor = await connectTo(await portOf(client, '127.0.0.1:0'));
      const from = visitor.localPort ?? 0;
      visitor.write('hello');
      const heard = await readBytes(visitor, HEAD + 5);
      const head = heard.subarray(0, HEAD);
      expect(heard.subarray(HEAD).toString()).toBe('hello');
      expect(head.subarray(0, 16).toString('hex')).toBe('0d0a0d0a000d0a515549540a2111000c');
      expect([head.readUInt32BE(16), head.readUInt16BE(24)]).toEqual([0x7f000001, from]);
      visitor.destroy();
      client.signal('SIGKILL');
      await client.ended;
    }
  });

  test('with a name has what asks for that name at a port for many', async () => {
    const [files, folder] = [await startWebFiles(), temporaryFolder()];
    const certificate = await makeCertificate(folder, 'DNS:db.example.org', 1);
    const secure = await listenOn(createSecureServer(certificate, (_request, response) => response.end('secure')));
    const rules = ['http:*.example.org', 'tls:*.example.org'].flatMap((rule) => ['--allow-listen', rule]);
    const { url, program } = await startReverseServer('--reverse', '--reverse-http', '127.0.0.1:0', ...rules);
    const door = await program.untilStderr(/"reverseHttp":"[^"]*:(\d+)"/);
    const client = launchClient(
      ...[url, '-R', `http:App.example.org:127.0.0.1:${files.port}`],
      ...['-R', `tls:db.example.org:127.0.0.1:${secure.port}`],
    );
    expect(await addressOf(client, 'http:app.example.org')).toBe('http:app.example.org');
    await addressOf(client, 'tls:db.example.org');
    const named = await run('curl', [...SHORT, '-H', 'Host: app.example.org', `http://127.0.0.1:${door}/x/1000`]);
    expect(named).toMatchObject({ stdout: '200 1000', stderr: '' });
    const resolved = ['--resolve', `db.example.org:${door}:127.0.0.1`, '--cacert', certificate.file];
    const told = await run('curl', ['-sS', ...resolved, `https://db.example.org:${door}/`]);
    expect(told).toMatchObject({ stdout: 'secure', stderr: '' });
  });

  test('stands in /status.json, with where the server listens', async () => {
    const { url } = await startReverseServer();
    const client = launchClient(url, '-R', '[::1]:0:localhost:9', '-R', '0.0.0.0:8080:localhost:9', '--status', '0');
    const address = await addressOf(client, '[::1]:0');
    expect(address).toMatch(/^\[::1\]:\d+$/);
    await client.untilStderr(/"the server does not listen"/);
    const status = await fetch(`${await client.untilStderr(/"url":"([^"]+)"/)}status.json`);
    expect(await status.json()).toMatchObject({
      listeners: [
        { listen: '[::1]:0', address, target: 'localhost:9', state: 'listening', server: url },
        { listen: '0.0.0.0:8080', target: 'localhost:9', state: 'refused', failure: 'DENIED' },
      ],
    });
  });

  test('with a port alone is SOCKS and HTTP, dialled by the client where its rules allow', async () => {
    const [files, other] = [await startWebFiles(), await startWebFiles()];
    const client = launchClient(
      ...[(await startReverseServer()).url, '-R', '0', '--reverse-allow', `127.0.0.1:${files.port}`],
    );
    const port = await portOf(client, '127.0.0.1:0');
    for (const scheme of ['socks5h', 'http']) {
      const proxy = ['-x', `${scheme}://127.0.0.1:${port}`];
      const ended = await run('curl', [...SHORT, ...proxy, `http://127.0.0.1:${files.port}/x/1000`]);
      expect(ended).toMatchObject({ stdout: '200 1000', stderr: '' });
    }
    const refused = await run('curl', [
      ...SHORT,
      '-x',
      `socks5h://127.0.0.1:${port}`,
      `http://127.0.0.1:${other.port}/`,
    ]);
    expect(refused.code).toBe(97);
  });
});

describe('a -R that the server refuses', () => {
  const refusals: [why: string, server: string[], forward: (taken: number) => string, reason: RegExp][] = [
    ['since it offers none', ['--allow-private'], () => '0:127.0.0.1:9', /--reverse/],
    ['since no rule allows it', ['--reverse'], () => '0.0.0.0:8080:127.0.0.1:9', /--allow-listen/],
    [
      'since somebody else is there',
      ['--reverse'],
      (taken) => `${taken}:127.0.0.1:9`,
      /in use at the server: choose another, or port 0 for any free one/,
    ],
  ];

  test.each(refusals)('%s is told in one line, and the client goes on', async (_why, server, forward, reason) => {
    const taken = await listen((socket) => socket.destroy());
    const [{ url }, echo] = [await startReverseServer(...server), await startEcho()];
    const local = await freePort();
    const client = launchClient(url, '-R', forward(taken.port), '-L', `${local}:127.0.0.1:${echo.port}`);
    const line = await client.untilStderr(/\n([^\n]*"the server does not listen"[^\n]*)\n/);
    expect(line).toMatch(reason);
    expect(line).toMatch(/"level":"warn"/);
    await connectTo(local);
    client.signal('SIGTERM');
    expect(await client.ended).toMatchObject({ code: 0 });
  });

  test.each(refusals)('%s ends it with --exit-on-forward-failure', async (_why, server, forward, reason) => {
    const taken = await listen((socket) => socket.destroy());
    const { url } = await startReverseServer(...server);
    const text = forward(taken.port);
    const args = [url, '-R', text, '--exit-on-forward-failure', '--log-level', 'silent'];
    const ended = await runCommand('wsproxy-client', args);
    expect(ended).toMatchObject({ code: 1, stdout: '' });
    expect(ended.stderr).toMatch(new RegExp(`^wsproxy-client: -R ${escaped(text)}: [^\\n]+\\n$`));
    expect(ended.stderr).toMatch(reason);
  });

  test('is asked for again, and is there when the other one has gone', async () => {
    const taken = await listen((socket) => socket.destroy());
    const echo = await startEcho();
    const client = launchClient((await startReverseServer()).url, '-R', `${taken.port}:127.0.0.1:${echo.port}`);
    await client.untilStderr(/"the server does not listen"/);
    await taken.close();
    await addressOf(client, `127.0.0.1:${taken.port}`);
  });
});

test('--exit-on-forward-failure leaves what the client says of its server as it is', async () => {
  const { url } = await startReverseServer();
  const args = [url, '-R', '0:127.0.0.1:9', '--exit-on-forward-failure', '--log-level', 'silent'];
  const ended = await runCommand('wsproxy-client', args, { token: `another-${TOKEN}` });
  expect(ended).toMatchObject({ code: 1, stdout: '' });
  expect(ended.stderr).toMatch(/^wsproxy-client: ws:[^\n]*: the server refused the token[^\n]*\n$/);
});

describe('SIGHUP', () => {
  test('begins a -R that is new, stops one that is gone, and leaves the others alone', async () => {
    const echo = await startEcho();
    const { url } = await startReverseServer();
    const file = join(temporaryFolder(), 'client.yaml');
    const [kept, gone, fresh] = [await freePort(), await freePort(), await freePort()];
    const entry = (port: number) => `${port}:127.0.0.1:${echo.port}`;
    const write = (...ports: number[]) =>
      writeFileSync(
        file,
        `url: ${url}\nlog-format: json\nremote-forward: [${ports.map((port) => `'${entry(port)}'`)}]\n`,
      );
    write(kept, gone);
    const client = launch('wsproxy-client', ['--config', file]);
    for (const port of [kept, gone]) await addressOf(client, `127.0.0.1:${port}`);
    const [onKept, onGone] = [await connectTo(kept), await connectTo(gone)];
    for (const socket of [onKept, onGone]) {
      socket.write('a');
      await readBytes(socket, 1);
    }
    write(fresh, kept);
    client.signal('SIGHUP');
    await addressOf(client, `127.0.0.1:${fresh}`);
    expect(client.stderr).toContain(`"began":"-R ${entry(fresh)}","ended":"-R ${entry(gone)}"`);
    await until('it is closed', () =>
      connectTo(gone).then(
        () => false,
        () => true,
      ),
    );
    for (const socket of [onKept, onGone]) {
      socket.end('still there');
      expect((await readBytes(socket, 11)).toString()).toBe('still there');
    }
    // What goes on is told once.
    expect(client.stderr.match(new RegExp(`"127\\.0\\.0\\.1:${kept}"[^\\n]*"the server listens"`, 'g'))).toHaveLength(
      1,
    );
  });

  test('begins a -R that the server refuses without an end of the client, no matter what holds at the start', async () => {
    const { url } = await startReverseServer();
    const file = join(temporaryFolder(), 'client.yaml');
    const settings = `url: ${url}\nlog-format: json\nexit-on-forward-failure: true\n`;
    writeFileSync(file, `${settings}remote-forward: '0:127.0.0.1:9'\n`);
    const client = launch('wsproxy-client', ['--config', file]);
    await addressOf(client, '127.0.0.1:0');
    writeFileSync(file, `${settings}remote-forward: ['0:127.0.0.1:9', '0.0.0.0:8080:127.0.0.1:9']\n`);
    client.signal('SIGHUP');
    await client.untilStderr(/"listener":"0\.0\.0\.0:8080"[^\n]*"the server does not listen"/);
    client.signal('SIGTERM');
    expect(await client.ended).toMatchObject({ code: 0 });
  });
});

describe('wrong usage', () => {
  test.each([
    [['-R', '8080:localhost'], /-R.*Expected \[bind:\]port:host:hostport/],
    [['-R', '8000-8010:localhost:80'], /-R.*Expected as many ports on both sides/],
    [['-R', '8080:localhost:99999'], /--remote-forward: 8080:localhost:99999: not a destination/],
    [['-R', '8080:localhost:80', '-R', '8080:localhost:81'], /--remote-forward: .*another one is for the same place/],
    [['-R', 'eth0:8080:localhost:80'], /--remote-forward: eth0:8080:localhost:80: /],
    [['-R', '1080', '--reverse-allow', '10.0.0.0/33'], /--reverse-allow: .*10\.0\.0\.0\/33/],
    [['-R', '8080:localhost:80', '--proxy-protocol', 'v1'], /--proxy-protocol.*v2/],
    [['-R', '8080:localhost:80', '-W', 'host:22'], /-W.*cannot be used with.*-R/],
  ])('of %j ends with exit code 2 and one line', async (args, line) => {
    const ended = await runCommand('wsproxy-client', ['ws://127.0.0.1:9/', ...args]);
    expect(ended).toMatchObject({ code: 2, stdout: '' });
    expect(ended.stderr).toMatch(/^wsproxy-client: [^\n]*\n$/);
    expect(ended.stderr).toMatch(line);
  });
});

/** The first of two that follow each other, on which nothing listens now. */
async function freePairOfPorts(): Promise<number> {
  for (;;) {
    const port = await freePort();
    const next = await listen((socket) => socket.destroy(), { port: port + 1 }).catch(() => undefined);
    await next?.close();
    if (next !== undefined) return port;
  }
}
