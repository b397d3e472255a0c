import { createServer, type RequestListener } from 'node:http';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { makeCertificate } from 'wsproxy-test-support/certificate';
import { runCommand, start, TOKEN } from 'wsproxy-test-support/programs/command-line';
import { startNginx } from 'wsproxy-test-support/programs/nginx';
import { startBehind } from 'wsproxy-test-support/programs/reverse-proxy';
import { skipUnlessInstalled } from 'wsproxy-test-support/programs/skip-unless-installed';
import { httpResponse, startAnswering } from 'wsproxy-test-support/sockets/answering';
import { freePort, listen, listenOn } from 'wsproxy-test-support/sockets/listen';
import { temporaryFolder } from 'wsproxy-test-support/temporary-folder';
import { until } from 'wsproxy-test-support/until';

const NAME = 'tunnel.example';

type Environment = Readonly<Record<string, string>>;

/** What `doctor` prints, and what it says in the end. */
async function examine(args: readonly string[], env: Environment = {}) {
  const { code, stdout, stderr } = await runCommand('wsproxy-client', ['doctor', ...args], { env, timeout: 100_000 });
  const mark = (step: string): string | undefined => new RegExp(`^(\\S) ${step} `, 'm').exec(stdout)?.[1];
  return { code, stdout, stderr, mark };
}

/** It blames `step`, names `cause` and says `cure`, in the report and nowhere else. */
async function expectCause(
  args: readonly string[],
  expected: { step: string; cause: RegExp; cure: RegExp },
  env: Environment = {},
): Promise<void> {
  const { code, stdout, stderr, mark } = await examine([...args, '--quick'], env);
  expect(stdout).toMatch(new RegExp(`^Likely cause: .*${expected.cause.source}`, 'm'));
  expect(stdout).toMatch(new RegExp(`^Cure: .*${expected.cure.source}`, 'm'));
  expect(mark(expected.step)).toBe('✗');
  expect({ code, stderr }).toEqual({ code: 1, stderr: '' });
}

async function startWeb(answer: RequestListener): Promise<string> {
  const { port } = await listenOn(createServer(answer));
  return `ws://127.0.0.1:${port}/tunnel`;
}

async function startTls(names: string, days: number) {
  const folder = temporaryFolder();
  const { file } = await makeCertificate(folder, names, days);
  const { port } = await start('wsproxy-server', ['--tls-cert', file, '--tls-key', join(folder, 'key')]);
  return [`wss://${NAME}:${port}/`, '--resolve', `${NAME}:${port}:127.0.0.1`, '--ca', file];
}

describe('doctor', () => {
  test('finds nothing wrong with a server that is right, and measures the way to it', async () => {
    const { port } = await start('wsproxy-server', []);
    const { code, stdout, stderr, mark } = await examine([`ws://127.0.0.1:${port}/`]);
    const steps = ['tcp', 'http', 'session', 'round trip', 'reach', 'datagrams', 'throughput', 'heartbeat'];
    expect(steps.map((step) => [step, mark(step)])).toEqual(steps.map((step) => [step, '✓']));
    expect(stdout).toMatch(/^✓ throughput +[\d.]+ Mbit\/s down, [\d.]+ Mbit\/s up$/m);
    expect(stdout).toMatch(/^Nothing is wrong with the way to this server\.$/m);
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  });

  test('prints the same as JSON', async () => {
    const { port } = await start('wsproxy-server', []);
    const { stdout } = await examine([`ws://127.0.0.1:${port}/`, '--quick', '--json', '--to', '127.0.0.1:1']);
    const { healthy, cause, findings } = JSON.parse(stdout);
    expect({ healthy, cause }).toEqual({ healthy: false, cause: 'reach' });
    expect(findings).toContainEqual(expect.objectContaining({ step: 'tcp', mark: 'ok' }));
    expect(findings.find(({ step }: { step: string }) => step === 'reach').figures['127.0.0.1:1']).toBe('DENIED');
  });

  test('says that a server lets its clients into its own network', async () => {
    const { port } = await start('wsproxy-server', ['--allow-private']);
    const { code, stdout, mark } = await examine([`ws://127.0.0.1:${port}/`, '--quick']);
    expect(mark('reach')).toBe('!');
    expect(stdout).toMatch(/^Worth a look: .*ports of its own machine/m);
    expect(code).toBe(0);
  });

  test('says that a server carries no datagrams, which is no fault', async () => {
    const { port } = await start('wsproxy-server', ['--no-udp']);
    const { code, stdout, mark } = await examine([`ws://127.0.0.1:${port}/`, '--quick']);
    expect([code, mark('datagrams')]).toEqual([0, '–']);
    expect(stdout).toMatch(/^– datagrams +no UDP: the server carries none \(--no-udp, or --upstream\)$/m);
  });

  test('says that a server offers no remote listeners, which is no fault', async () => {
    const { port } = await start('wsproxy-server', []);
    const { code, stdout } = await examine([`ws://127.0.0.1:${port}/`, '--quick']);
    expect(stdout).toMatch(/^– listening +no remote listeners: the server offers none \(--reverse\), or is too old$/m);
    expect(stdout).toMatch(/^– arrivals +the server does not listen$/m);
    expect(code).toBe(0);
  });

  test.each([
    [[], '–', 'not tried: the server dials no port of its own for this user'],
    [['--allow-private'], '✓', String.raw`a connection to it comes here, and its answer back, after [\d.]+ ms`],
  ] as const)(
    'says that a server listens, and with %j whether what comes there comes here',
    async (args, tried, text) => {
      const { program, port } = await start('wsproxy-server', ['--reverse', '--log-level', 'info', ...args]);
      const { stdout, mark, code } = await examine([`ws://127.0.0.1:${port}/`, '--quick']);
      expect([code, mark('listening'), mark('arrivals')]).toEqual([0, '✓', tried]);
      expect(stdout).toMatch(/^✓ listening +the server listens for this user: on 127\.0\.0\.1:\d+ just now$/m);
      expect(stdout).toMatch(new RegExp(`^${tried} arrivals +${text}$`, 'm'));
      program.signal('SIGTERM');
      expect((await program.ended).stderr).toMatch(
        /"listenerName":"doctor\/[0-9a-f]{16}".*"msg":"remote listener over"/,
      );
    },
  );

  test('says that the rules of a server let its user listen nowhere, which is no fault', async () => {
    const { port } = await start('wsproxy-server', ['--reverse', '--allow-listen', '127.0.0.9:1024-65535']);
    const { stdout, code } = await examine([`ws://127.0.0.1:${port}/`, '--quick']);
    expect(stdout).toMatch(
      /^– listening +no remote listeners: its rules do not let this user listen on 127\.0\.0\.1$/m,
    );
    expect(code).toBe(0);
  });

  test('goes without its second session where the server allows only one', async () => {
    const { port } = await start('wsproxy-server', ['--max-sessions-per-user', '1']);
    const { code, stdout, stderr, mark } = await examine([`ws://127.0.0.1:${port}/`, '--idle', '1s']);
    expect(['throughput', 'heartbeat', 'idle'].map(mark)).toEqual(['✓', '–', '–']);
    expect(stdout).toMatch(/^– heartbeat +no second session to watch: .*\((429|1013)\)/m);
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  });

  test('refuses what is no URL, no destination or no duration, with one line', async () => {
    for (const args of [
      ['http://127.0.0.1/'],
      ['ws://127.0.0.1/', '--to', 'nowhere'],
      ['ws://127.0.0.1/', '--idle', '20m'],
      [],
    ]) {
      const { code, stdout, stderr } = await examine(args);
      expect(stderr).toMatch(/^wsproxy-client: [^\n]+\n$/);
      expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
    }
  });
});

describe('doctor names what is wrong:', () => {
  test('nothing listens', async () => {
    const expected = { step: 'tcp', cause: /nothing listens at 127\.0\.0\.1/, cure: /start the server/ };
    await expectCause([`ws://127.0.0.1:${await freePort()}/`], expected);
  });

  test('nothing listens where the proxy should', async () => {
    const expected = { step: 'tcp', cause: /nothing listens at 127\.0\.0\.1/, cure: /start the proxy there/ };
    const args = ['wss://proxy.invalid/', '--proxy', `http://127.0.0.1:${await freePort()}`];
    await expectCause(args, expected);
  });

  test('the name does not exist', async () => {
    const expected = {
      step: 'name',
      cause: /the name nowhere\.invalid has no address|the nameserver does not answer for/,
      cure: /typing errors|nameserver/,
    };
    await expectCause(['wss://nowhere.invalid/'], expected);
  });

  test('something else listens on the port', async () => {
    const { port } = await listen((socket) => socket.end('SSH-2.0-OpenSSH_9.2\r\n'));
    await expectCause([`ws://127.0.0.1:${port}/`], { step: 'http', cause: /not HTTP/, cure: /check the port/ });
    await expectCause([`wss://127.0.0.1:${port}/`], {
      step: 'tls',
      cause: /does not speak TLS/,
      cure: /check the port/,
    });
  });

  test('the certificate is for another name', async () => {
    const args = await startTls('DNS:other.example', 1);
    await expectCause(args, {
      step: 'tls',
      cause: /another name, it has other\.example; issued by "test"/,
      cure: /--sni/,
    });
  });

  test('the certificate has expired', async () => {
    const args = await startTls(`DNS:${NAME}`, -1);
    await expectCause(args, { step: 'tls', cause: /has expired; issued by "test", until \d{4}-/, cure: /renew it/ });
  });

  test('the certificate comes from somebody unknown', async () => {
    const args = await startTls(`DNS:${NAME}`, 1);
    await expectCause(args.slice(0, 3), { step: 'tls', cause: /self-signed; issued by "test"/, cure: /--ca/ });
  });

  test('the network wants a login', async () => {
    const url = await startWeb((_request, response) => {
      response.writeHead(302, { location: 'http://login.hotel.example/welcome' }).end();
    });
    const { stdout, code } = await examine([url, '--quick']);
    expect(stdout).toMatch(
      /^Likely cause: redirected to "http:\/\/login\.hotel\.example\/welcome" \(302\): a login page/m,
    );
    expect(code).toBe(1);
    const page = await startWeb((_request, response) => {
      response.setHeader('content-type', 'text/html').end('<h1>Welcome</h1>');
    });
    await expectCause([page], { step: 'http', cause: /web page \(200\)/, cure: /login page/ });
  });

  test('the token is wrong', async () => {
    const { port } = await start('wsproxy-server', [], { token: `${TOKEN}-another` });
    await expectCause([`ws://127.0.0.1:${port}/`], {
      step: 'http',
      cause: /refused the token \(401\)/,
      cure: /--token-file/,
    });
  });

  test('the user has as many sessions as the server allows', async () => {
    const { port } = await start('wsproxy-server', ['--max-sessions-per-user', '1']);
    const url = `ws://127.0.0.1:${port}/`;
    const { program } = await start('wsproxy-client', [url]);
    await until('it has the one session', () => program.stderr.includes('connected to the server'));
    const expected = { step: 'session', cause: /too many sessions/, cure: /end other clients of this user, or ask/ };
    await expectCause([url], expected);
  });

  test('the path is wrong', async () => {
    const { port } = await start('wsproxy-server', ['--path', '/tunnel']);
    await expectCause([`ws://127.0.0.1:${port}/`], { step: 'http', cause: /nothing there \(404\)/, cure: /path/ });
  });

  test('the server behind the reverse proxy is away', async () => {
    const url = await startWeb((_request, response) => response.writeHead(502).end());
    await expectCause([url], { step: 'http', cause: /not available \(502\)/, cure: /whether it runs/ });
  });

  test('the destination is blocked', async () => {
    const { port } = await start('wsproxy-server', ['--allow-private', '--deny', '127.0.0.1:7']);
    const args = [`ws://127.0.0.1:${port}/`, '--to', '127.0.0.1:7'];
    await expectCause(args, { step: 'reach', cause: /127\.0\.0\.1:7: destination not allowed/, cure: /rules/ });
  });

  test('the proxy on the way wants a password', async () => {
    const { port } = await listen((socket) => {
      socket.once('data', () => socket.end('HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 0\r\n\r\n'));
    });
    const args = ['wss://proxy.example/', '--proxy', `http://127.0.0.1:${port}`];
    await expectCause(args, { step: 'proxy', cause: /wants a user and password \(407\)/, cure: /user:password@/ });
  });

  test('the proxy on the way wants NTLM only', async () => {
    const { port } = await startAnswering(httpResponse('407 Denied', ['Proxy-Authenticate: NTLM']));
    const args = ['wss://proxy.example/', '--proxy', `http://127.0.0.1:${port}`];
    const cause = /wants NTLM, which wsproxy cannot do; Basic is what it can \(407\)/;
    await expectCause(args, { step: 'proxy', cause, cure: /run a local proxy that can/ });
  });

  test('the clock is off', async () => {
    const url = await startWeb((_request, response) => {
      response
        .setHeader('date', new Date(Date.now() - 3_600_000).toUTCString())
        .writeHead(404)
        .end();
    });
    const { stdout, mark } = await examine([url, '--quick']);
    expect(mark('clock')).toBe('!');
    expect(stdout).toMatch(/this machine is 3\d{3} s ahead of the server's/);
  });

  describe('nginx', () => {
    skipUnlessInstalled('nginx');
    skipUnlessInstalled('openssl');

    test('does not pass on Upgrade', async () => {
      const { url, trusted } = await startBehind((place) =>
        startNginx(place, (text) => text.replace(/^ *proxy_set_header (Upgrade|Connection) .*\n/gm, '')),
      );
      const { code, stdout, stderr, mark } = await examine([url, '--quick'], trusted);
      expect(stdout).toMatch(/^! http +the answer is not a WebSocket's \(426\); the client uses HTTP instead$/m);
      expect(['http', 'session', 'ways', 'round trip'].map(mark)).toEqual(['!', '✓', '!', '✓']);
      expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
      const expected = { step: 'http', cause: /not a WebSocket's \(426\)/, cure: /nginx: proxy_http_version 1\.1/ };
      await expectCause([url, '--transport', 'ws'], expected, trusted);
    });

    /** After so many seconds of silence, not the minute of the configuration that we give. */
    const startCutting = (seconds: number) =>
      startBehind((place) =>
        startNginx(place, (text) => text.replace('proxy_read_timeout 60s', `proxy_read_timeout ${seconds}s`)),
      );

    test('cuts a silent connection after 4 s', async () => {
      const { url, trusted } = await startCutting(4);
      const { code, stdout, mark } = await examine([url, '--quick', '--idle', '25s'], trusted);
      expect(stdout).toMatch(/^! idle +something on the way cuts a silent connection after ([3-9]|1[0-3]) s$/m);
      expect(mark('http')).toBe('✓');
      expect(code).toBe(0);
    }, 100_000);

    test('cuts a tunnel sooner than its heartbeat', async () => {
      const { url, trusted } = await startCutting(3);
      const { code, stdout, mark } = await examine([url], trusted);
      expect(mark('heartbeat')).toBe('✗');
      expect(stdout).toMatch(/an unused tunnel was cut after [34] s/);
      expect(code).toBe(1);
    }, 60_000);
  });
});
