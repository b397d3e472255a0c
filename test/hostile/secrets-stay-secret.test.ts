import { createHash } from 'node:crypto';
import { chmodSync, chownSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { launch, type ProgramName, runCommand, start, TOKEN } from 'wsproxy-test-support/programs/command-line';
import { httpResponse, startAnswering } from 'wsproxy-test-support/sockets/answering';
import { askSocks5 } from 'wsproxy-test-support/sockets/application';
import { freePort } from 'wsproxy-test-support/sockets/listen';
import { temporaryFolder } from 'wsproxy-test-support/temporary-folder';
import { startFakeServer } from 'wsproxy-test-support/wire/fake-server';
import { closeFrame, requestUpgrade } from 'wsproxy-test-support/wire/raw-websocket';

const OTHER = 'another-token-for-tests-0123456789-0123456789';

function tokenFile(content: string, mode = 0o600): string {
  const file = join(temporaryFolder(), 'token');
  writeFileSync(file, content);
  // Not by writeFile, whose mode the umask changes.
  chmodSync(file, mode);
  return file;
}

/** With this token, and only with this one, the server upgrades. */
async function expectToken(port: number, token: string, wrong: string): Promise<void> {
  for (const [Authorization, status] of [
    [`Bearer ${token}`, 101],
    [`Bearer ${wrong}`, 401],
    [undefined, 401],
  ] as const) {
    const answer = await requestUpgrade(port, { Authorization });
    answer.socket.destroy();
    expect(answer.status).toBe(status);
  }
}

const programs: [ProgramName, string[]][] = [
  ['wsproxy-client', ['ws://127.0.0.1:9/']],
  ['wsproxy-server', []],
];

describe.each(programs)('%s does not start', (name, args) => {
  async function expectRefusal(extra: readonly string[], token: string | null, line: RegExp): Promise<void> {
    const { code, stdout, stderr } = await runCommand(name, [...args, ...extra], { token });
    expect([code, stdout]).toEqual([2, '']);
    expect(stderr).toMatch(/^[^\n]+\n$/);
    expect(stderr).toMatch(line);
  }

  test('G1 without a token', async () => {
    await expectRefusal([], null, /no token.*--token-file.*WSPROXY_TOKEN.*make one with/);
  });

  test.each<[string, string]>([
    ['an empty file', ''],
    ['a file with blank lines only', '\n \r\n\t\n'],
    ['a file with nothing but a byte order mark', '\ufeff\n'],
  ])('G3 with %s', async (_what, content) => {
    await expectRefusal(['--token-file', tokenFile(content)], OTHER, /there is no token in .*make one with/);
  });

  test('G3 with a file of two lines, of which one at least is no token', async () => {
    // Of which a server takes each for a token of its own, and a client would have to choose.
    const line = name === 'wsproxy-client' ? /more than one line/ : /has 12 characters/;
    await expectRefusal(['--token-file', tokenFile(`${TOKEN}\nno-token-yet\n`)], null, line);
    if (name === 'wsproxy-client') {
      await expectRefusal(['--token-file', tokenFile(`${TOKEN}\n${OTHER}\n`)], null, line);
    }
  });

  test('G3 with a file that does not exist', async () => {
    await expectRefusal(['--token-file', '/nonexistent/token'], OTHER, /no such file.*--token-file/);
  });

  test.each([0o644, 0o640, 0o604])('G4 with a token file of mode %o', async (mode) => {
    await expectRefusal(['--token-file', tokenFile(TOKEN, mode)], null, /other users.*chmod 600/);
  });

  test.runIf(process.getuid?.() === 0)('with a token file of another user, when it is root', async () => {
    const file = tokenFile(TOKEN);
    chownSync(file, 65_534, 65_534);
    await expectRefusal(['--token-file', file], null, /belongs to another user \(uid 65534\); run: chown 0/);
  });

  test('with a token file in a folder that everybody can change', async () => {
    const file = tokenFile(TOKEN);
    chmodSync(join(file, '..'), 0o777);
    await expectRefusal(
      ['--token-file', file],
      null,
      /other users can replace .*: they can write to its folder; run: chmod go-w/,
    );
  });

  test('G5 with a token of 31 characters', async () => {
    await expectRefusal(
      [],
      'x'.repeat(31),
      /the token in WSPROXY_TOKEN cannot be used: it has 31 characters; use one of 32 or more/,
    );
    await expectRefusal(['--token-file', tokenFile('x'.repeat(31))], null, /has 31 characters; use one of 32 or more/);
  });
});

describe.runIf(process.getuid?.() === 0)('as root, a secret of another user is refused:', () => {
  function ofNobody(content: string): string {
    const file = tokenFile(content);
    chownSync(file, 65_534, 65_534);
    return file;
  }

  test('the users of the server', async () => {
    const digest = createHash('sha256').update(OTHER).digest('hex');
    const file = ofNobody(`- { id: mallory, token: "sha256:${digest}" }\n`);
    const { code, stderr } = await runCommand('wsproxy-server', ['--users', file], { token: null });
    expect(stderr).toMatch(/^wsproxy-server: users file .* belongs to another user \(uid 65534\); run: chown 0 .*\n$/);
    expect(code).toBe(2);
  });

  test("users that change hands keep the server's as they were", async () => {
    const entry = (id: string, token: string) =>
      `- { id: ${id}, token: "sha256:${createHash('sha256').update(token).digest('hex')}" }\n`;
    const file = tokenFile(entry('alice', TOKEN));
    const { program, port } = await start('wsproxy-server', ['--users', file], { token: null });
    chownSync(file, 65_534, 65_534);
    writeFileSync(file, entry('mallory', OTHER));
    await program.untilStderr(/belongs to another user/);
    await expectToken(port, TOKEN, OTHER);
  });

  test.each<[ProgramName, string[]]>([
    ['wsproxy-server', ['--tls-cert', '/dev/null', '--tls-key']],
    ['wsproxy-client', ['wss://127.0.0.1:9/', '--cert', '/dev/null', '--key']],
    ['wsproxy-client', ['ws://127.0.0.1:9/', '--socks-auth']],
  ])('%s %j', async (name, args) => {
    const { code, stderr } = await runCommand(name, [...args, ofNobody('user:password\n')]);
    expect(stderr).toMatch(/belongs to another user \(uid 65534\); run: chown 0 .*\n$/);
    expect(code).toBe(2);
  });
});

describe('the server asks for the token', () => {
  test('G2 of the environment', async () => {
    const { port } = await start('wsproxy-server', []);
    await expectToken(port, TOKEN, OTHER);
  });

  test('G2 of the file', async () => {
    const { port } = await start('wsproxy-server', ['--token-file', tokenFile(TOKEN)], { token: null });
    await expectToken(port, TOKEN, OTHER);
  });

  test('G2 of the file, when there are both', async () => {
    const { port } = await start('wsproxy-server', ['--token-file', tokenFile(TOKEN)], { token: OTHER });
    await expectToken(port, TOKEN, OTHER);
  });

  test.each<[string, string]>([
    ['a line break', `${TOKEN}\n`],
    ['a line break of Windows', `${TOKEN}\r\n`],
    ['a byte order mark', `\ufeff${TOKEN}`],
    ['spaces and empty lines', `\n\n  ${TOKEN} \t\n\n`],
  ])('G3 of a file with %s around it', async (_what, content) => {
    const { port } = await start('wsproxy-server', ['--token-file', tokenFile(content)], { token: null });
    await expectToken(port, TOKEN, OTHER);
  });
});

test('G8 the token in the query is refused and not logged', async () => {
  const { program, port } = await start('wsproxy-server', ['--log-level', 'trace']);
  const { status, socket } = await requestUpgrade(port, { Authorization: undefined }, `GET /?token=${TOKEN} HTTP/1.1`);
  socket.destroy();
  expect(status).toBe(401);
  await program.untilStderr(/"status":401/);
  expect(program.stderr).not.toContain(TOKEN);
});

test('G6 neither a token of a users file nor its digest appears in logs, metrics or the list of sessions', async () => {
  const digest = createHash('sha256').update(TOKEN).digest('hex');
  const users = tokenFile(`- { id: alice, token: "sha256:${digest}" }\n`);
  const args = ['--users', users, '--admin', '0', '--log-level', 'trace'];
  const { program, port } = await start('wsproxy-server', args, { token: null });
  const { status } = await requestUpgrade(port);
  expect(status).toBe(101);
  const admin = await program.untilStderr(/"admin":"([^"]+)"/);
  for (const page of ['metrics', 'sessions']) {
    const answer = await fetch(`http://${admin}/${page}`, { headers: { connection: 'close' } });
    const text = await answer.text();
    expect(answer.status).toBe(200);
    for (const secret of [TOKEN, digest]) expect(text).not.toContain(secret);
  }
  program.signal('SIGHUP');
  await program.untilStderr(/users reloaded/);
  for (const secret of [TOKEN, digest]) expect(program.stdout + program.stderr).not.toContain(secret);
});

test('G6 the token appears neither in the list of processes nor in a log', async () => {
  const server = await start('wsproxy-server', ['--log-level', 'trace']);
  const url = `ws://127.0.0.1:${server.port}/`;
  const args = [url, '--token-file', tokenFile(TOKEN), '--log-level', 'trace'];
  const client = await start('wsproxy-client', args, { token: null });
  const [, socket] = await askSocks5(client.port, '127.0.0.1', await freePort());
  socket.destroy();
  const denied = await runCommand('wsproxy-client', [url, '--log-level', 'trace', '--listen', '0'], { token: OTHER });
  expect(denied.code).toBe(1);
  await client.program.untilStderr(/failed to open/);
  await server.program.untilStderr(/"status":401/);

  for (const { program } of [server, client]) {
    if (process.platform === 'linux') {
      const commandLine = readFileSync(`/proc/${program.pid}/cmdline`, 'utf8');
      expect(commandLine).toContain('wsproxy-');
      expect(commandLine).not.toContain(TOKEN);
    }
    program.signal('SIGTERM');
    const { code, stdout, stderr } = await program.ended;
    expect(code).toBe(0);
    expect(stdout + stderr).not.toContain(TOKEN);
  }
  expect(denied.stdout + denied.stderr).not.toContain(OTHER);
});

test.each([
  ['as it is', TOKEN],
  ['in base64', Buffer.from(`Bearer ${TOKEN}`).toString('base64')],
])('the client does not log the token that a server sends back %s', async (_how, told) => {
  const closing = await startFakeServer((webSocket) => {
    webSocket.send(closeFrame(4321, `no ${told}`, { masked: false }));
  });
  const client = launch('wsproxy-client', [`ws://127.0.0.1:${closing.port}/`, '--listen', '0', '--log-level', 'trace']);
  await client.untilStderr(/4321/);
  const leading = await startAnswering(httpResponse('302 Found', [`Location: http://login.example/?t=${told}`]));
  const refused = await runCommand('wsproxy-client', [`ws://127.0.0.1:${leading.port}/`, '--listen', '0']);
  expect(refused.stderr).toMatch(/: redirected \(302\)/);
  expect(client.stderr + refused.stderr).not.toContain(told);
});

test('headers that are no secret hide nothing of what a server says', async () => {
  const headers = [
    'X-Tenant: e',
    'Origin: http://login.example',
    'Accept-Language: en',
    'Cookie: session=0123456789ab',
  ];
  const flags = [...headers.flatMap((header) => ['--header', header]), '--listen', '0'];
  const closing = await startFakeServer((webSocket) => {
    webSocket.send(closeFrame(4321, 'the session has expired', { masked: false }));
  });
  const client = launch('wsproxy-client', [`ws://127.0.0.1:${closing.port}/`, ...flags]);
  await client.untilStderr(/the session has expired \(4321\)/);
  const leading = await startAnswering(httpResponse('302 Found', ['Location: http://login.example/?s=0123456789ab']));
  const secret = await runCommand('wsproxy-client', [`ws://127.0.0.1:${leading.port}/`, ...flags]);
  expect(secret.stderr).toMatch(/: redirected \(302\)/);
  const plain = await startAnswering(httpResponse('302 Found', ['Location: http://login.example/']));
  const told = await runCommand('wsproxy-client', [`ws://127.0.0.1:${plain.port}/`, ...flags]);
  expect(told.stderr).toMatch(/: redirected to "http:\/\/login.example\/" \(302\)/);
});
