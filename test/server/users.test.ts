import { createHash } from 'node:crypto';
import { chmodSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { startEcho } from 'wsproxy-test-support/destinations/echo';
import { startSource } from 'wsproxy-test-support/destinations/source';
import { Keystream } from 'wsproxy-test-support/keystream';
import { runCommand, start, TOKEN } from 'wsproxy-test-support/programs/command-line';
import type { Program } from 'wsproxy-test-support/programs/program';
import { bySocks5, connectTo, readBytes, readToEnd } from 'wsproxy-test-support/sockets/application';
import { listen } from 'wsproxy-test-support/sockets/listen';
import { temporaryFolder } from 'wsproxy-test-support/temporary-folder';
import { startClient } from 'wsproxy-test-support/tunnel';
import { until } from 'wsproxy-test-support/until';
import { requestUpgrade } from 'wsproxy-test-support/wire/raw-websocket';

const OTHER = 'another-token-for-tests-0123456789-0123456789';
/** More than windows and buffers take: the download is still under way when a user is removed. */
const LENGTH = 60_000_000;

function sha256(token: string): string {
  return createHash('sha256').update(token).digest('hex');
}

function line(id: string, token: string, more = ''): string {
  return `- { id: ${id}, token: "sha256:${sha256(token)}"${more} }\n`;
}

const ALICE = line('alice', TOKEN);
const BOB = line('bob', OTHER);

/** A server with a users file, and what exchanges the file as editors do: by another of the same name. */
async function startWithUsers(
  text: string,
  ...flags: string[]
): Promise<{ program: Program; port: number; write(text: string): void }> {
  const folder = temporaryFolder();
  const file = join(folder, 'users.yaml');
  const write = (content: string): void => {
    writeFileSync(`${file}~`, content);
    chmodSync(`${file}~`, 0o600);
    renameSync(`${file}~`, file);
  };
  write(text);
  const server = await start('wsproxy-server', ['--users', file, '--allow-private', ...flags], { token: null });
  return { ...server, write };
}

async function statusFor(port: number, token: string | undefined): Promise<number> {
  const Authorization = token === undefined ? undefined : `Bearer ${token}`;
  const { status, socket } = await requestUpgrade(port, { Authorization });
  socket.destroy();
  return status;
}

describe('a server with a users file', () => {
  test('G2 lets in anyone who is in it, and nobody else', async () => {
    const { port } = await startWithUsers(ALICE + line('eve', OTHER, ', disabled: true'));
    const statuses = [TOKEN, OTHER, `${TOKEN}x`, undefined].map((token) => statusFor(port, token));
    expect(await Promise.all(statuses)).toEqual([101, 401, 401, 401]);
  });

  test('G10 ends the sessions of a user who is removed within 5 s, while the downloads of others go on', async () => {
    const { program, port, write } = await startWithUsers(ALICE + BOB);
    const source = await startSource('users', LENGTH);
    const talker = await listen((socket) => socket.write('hello'));
    const [alice, bob] = [await startClient(port), await startClient(port, { token: OTHER })];
    const [hers, his] = [
      await bySocks5(alice.port, '127.0.0.1', talker.port),
      await bySocks5(bob.port, '127.0.0.1', source.port),
    ];
    expect(String(await readBytes(hers, 5))).toBe('hello');
    const keystream = new Keystream('users');
    expect(await readBytes(his, 1_000)).toEqual(keystream.next(1_000));

    write(BOB);
    const startedAt = performance.now();
    expect(await readToEnd(hers)).toMatchObject({ by: 'reset' });
    expect(performance.now() - startedAt).toBeLessThan(5_000);
    await program.untilStderr(/"user":"alice"[^\n]*"reason":"the user was removed[^\n]*"session over"/);

    let differs = false;
    const ending = await readToEnd(his, (chunk) => {
      differs ||= !chunk.equals(keystream.next(chunk.length));
    });
    expect([ending, differs]).toEqual([{ bytes: LENGTH - 1_000, by: 'end' }, false]);
    expect([await statusFor(port, TOKEN), await statusFor(port, OTHER)]).toEqual([401, 101]);
  });

  test('reads it again at once on SIGHUP', async () => {
    const { program, port, write } = await startWithUsers(ALICE);
    expect(await statusFor(port, OTHER)).toBe(401);
    write(ALICE + BOB);
    const startedAt = performance.now();
    program.signal('SIGHUP');
    await until('the new user is let in', async () => (await statusFor(port, OTHER)) === 101);
    // Sooner than the look at the file, which waits for it to be left alone.
    expect(performance.now() - startedAt).toBeLessThan(1_000);
  });

  test('K16 keeps the users of before when it is broken, and tells why, until it is whole again', async () => {
    const { program, port, write } = await startWithUsers(ALICE);
    write(`${ALICE}- { id: bob, token: ${OTHER} }\n`);
    await program.untilStderr(/users\.yaml:2: token: expected \\"sha256:\\"[^\n]*those of before stay/);
    expect([await statusFor(port, TOKEN), await statusFor(port, OTHER)]).toEqual([101, 401]);
    write(ALICE + BOB);
    await until('the new user is let in', async () => (await statusFor(port, OTHER)) === 101, 10_000);
    expect(program.stderr).not.toContain(OTHER);
  });

  test('checks every connection against the rules of now, also those of a session from before', async () => {
    const { program, port, write } = await startWithUsers(ALICE);
    const source = await startSource('rules', 1_000);
    const { port: local } = await startClient(port);
    expect(await readToEnd(await bySocks5(local, '127.0.0.1', source.port))).toMatchObject({ bytes: 1_000 });
    write(line('alice', TOKEN, ', deny: [127.0.0.0/8]'));
    program.signal('SIGHUP');
    await program.untilStderr(/users reloaded/);
    await expect(bySocks5(local, '127.0.0.1', source.port)).rejects.toThrow();
    await program.untilStderr(/"code":"DENIED"/);
    expect(program.stderr.match(/session began/g)).toHaveLength(1);
  });

  test('closes remote listeners that the rules of now do not allow, and cuts nothing that has come in', async () => {
    const anywhere = line('alice', TOKEN, ', listen: ["127.0.0.1:1024-65535"]');
    const { program, port, write } = await startWithUsers(anywhere + BOB, '--reverse', '--allow-listen', '[::1]:9000');
    const echo = await startEcho();
    const [{ client }, bob] = [await startClient(port), await startClient(port, { token: OTHER })];
    const forward = await client.forwardRemote({ port: 0, target: `127.0.0.1:${echo.port}` });
    const remotePort = forward.address?.port ?? 0;
    await expect(bob.client.forwardRemote({ port: 0, target: `127.0.0.1:${echo.port}` })).rejects.toMatchObject({
      code: 'DENIED',
    });
    const socket = await connectTo(remotePort);
    socket.write('before');
    expect(String(await readBytes(socket, 6))).toBe('before');

    write(line('alice', TOKEN, ', listen: []') + BOB);
    program.signal('SIGHUP');
    await until('it listens no more', () => forward.state === 'refused');
    await program.untilStderr(/"user":"alice"[^\n]*"outcome":"DENIED"[^\n]*"remote listener over"/);
    const [opened = ''] = /^.*"remote listener open".*$/m.exec(program.stderr) ?? [];
    expect(JSON.parse(opened)).toMatchObject({ name: 'server', listener: `127.0.0.1:${remotePort}` });
    await expect(connectTo(remotePort)).rejects.toMatchObject({ code: 'ECONNREFUSED' });
    socket.end('after');
    expect(String(await readBytes(socket, 5))).toBe('after');

    write(anywhere + BOB);
    program.signal('SIGHUP');
    await until('it listens again', () => forward.state === 'listening', 30_000);
  });
});

describe('a server whose user has several tokens', () => {
  const entry = (token: string, more = '') => `{ token: "sha256:${sha256(token)}"${more} }`;
  const alice = (...tokens: string[]) => `- id: alice\n  tokens: [${tokens.join()}]\n`;

  test('lets in each, and names in its log which one it was', async () => {
    const { program, port } = await startWithUsers(alice(entry(TOKEN, ', label: old'), entry(OTHER)));
    await Promise.all([startClient(port), startClient(port, { token: OTHER })]);
    await program.untilStderr(/"user":"alice","tokenLabel":"old"[^\n]*"session began"/);
    await program.untilStderr(/"user":"alice","tokenLabel":"#2"[^\n]*"session began"/);
    expect([await statusFor(port, `${TOKEN}x`), program.stderr.includes(TOKEN)]).toEqual([401, false]);
  });

  test('ends the sessions of the one that is removed, and not those of the others', async () => {
    const { port, write } = await startWithUsers(alice(entry(TOKEN), entry(OTHER)));
    const echo = await startEcho();
    const [old, kept] = await Promise.all(
      [TOKEN, OTHER].map(async (token) => {
        const { port: local } = await startClient(port, { token });
        return bySocks5(local, '127.0.0.1', echo.port);
      }),
    );
    if (old === undefined || kept === undefined) throw new Error('two were asked for');
    write(alice(entry(OTHER)));
    expect(await readToEnd(old)).toEqual({ bytes: 0, by: 'reset' });
    kept.end('still there');
    expect(await readToEnd(kept)).toEqual({ bytes: 11, by: 'end' });
    expect([await statusFor(port, TOKEN), await statusFor(port, OTHER)]).toEqual([401, 101]);
  });

  test('lets nobody in by one that has expired', async () => {
    const past = ', expires: 2020-01-31T18:00:00+01:00';
    const { port } = await startWithUsers(alice(entry(TOKEN, past), entry(OTHER, ', expires: 2999-01-01T00:00:00Z')));
    expect([await statusFor(port, TOKEN), await statusFor(port, OTHER)]).toEqual([401, 101]);
  });
});

describe('a server with a token file', () => {
  test('lets in each of its tokens, as they are now, and keeps those of before when it is broken', async () => {
    const file = join(temporaryFolder(), 'token');
    writeFileSync(file, `${TOKEN}\n`, { mode: 0o600 });
    const { program, port } = await start('wsproxy-server', ['--token-file', file], { token: null });
    const statuses = async () => [await statusFor(port, TOKEN), await statusFor(port, OTHER)];
    expect(await statuses()).toEqual([101, 401]);
    writeFileSync(file, `${TOKEN}\n${OTHER}\n`);
    // Without a signal too: the file is looked at.
    await until('the new token lets in', async () => (await statusFor(port, OTHER)) === 101, 10_000);
    expect(await statuses()).toEqual([101, 101]);
    writeFileSync(file, 'short\n');
    program.signal('SIGHUP');
    await program.untilStderr(/has 5 characters[^\n]*users not reloaded, those of before stay/);
    expect(await statuses()).toEqual([101, 101]);
    writeFileSync(file, `${OTHER}\n`);
    program.signal('SIGHUP');
    await until('the old token is gone', async () => (await statusFor(port, TOKEN)) === 401);
    expect([await statuses(), program.stderr.includes(OTHER)]).toEqual([[401, 101], false]);
  });
});

describe('wsproxy-server token', () => {
  test('prints a token of 256 bits and a line that lets it in', async () => {
    const made = await runCommand('wsproxy-server', ['token', '--id', 'carol'], { token: null });
    const [token = '', entry = ''] = made.stdout.split('\n');
    expect([made.code, made.stderr]).toEqual([0, '']);
    expect(Buffer.from(token, 'base64url')).toHaveLength(32);
    expect(entry).not.toContain(token);
    const { port } = await startWithUsers(`${entry}\n`);
    expect([await statusFor(port, token), await statusFor(port, TOKEN)]).toEqual([101, 401]);
  });

  test('prints a line with label and end of the token', async () => {
    const args = ['token', '--id', 'carol', '--label', 'laptop "2027"', '--expires', '2999-01-31T18:00:00+01:00'];
    const made = await runCommand('wsproxy-server', args, { token: null });
    const [token = '', entry = ''] = made.stdout.split('\n');
    expect(entry).toMatch(/label: "laptop \\"2027\\"", expires: "2999-01-31T18:00:00\+01:00"/);
    const { port } = await startWithUsers(`${entry}\n`);
    expect(await statusFor(port, token)).toBe(101);
  });

  test.each([
    ['--label', 'a\nb', /--label.*visible characters/],
    ['--expires', '2027-01-31', /--expires.*with its zone/],
  ])('refuses a wrong %s', async (flag, value, message) => {
    const { code, stderr } = await runCommand('wsproxy-server', ['token', flag, value], { token: null });
    expect([code, stderr]).toEqual([2, expect.stringMatching(message)]);
  });

  test('refuses an id that no users file takes', async () => {
    const { code, stderr } = await runCommand('wsproxy-server', ['token', '--id', 'a b'], { token: null });
    expect([code, stderr]).toEqual([2, expect.stringMatching(/--id.*1 to 64 letters/)]);
  });
});

describe('wsproxy-server does not start', () => {
  async function refusal(
    text: string,
    mode: number,
    extra: string[] = [],
    token: string | null = null,
  ): Promise<string> {
    const file = join(temporaryFolder(), 'users.yaml');
    writeFileSync(file, text);
    chmodSync(file, mode);
    const { code, stderr } = await runCommand('wsproxy-server', ['--users', file, ...extra], { token });
    expect(code).toBe(2);
    return stderr;
  }

  test('G4 when others can read the users', async () => {
    expect(await refusal(ALICE, 0o640)).toMatch(/other users can read or change users file .*; run: chmod 600/);
  });

  test('with no user at all', async () => {
    expect(await refusal('', 0o600)).toMatch(/users\.yaml:1: expected a list with at least one user/);
  });

  test('with users and a token', async () => {
    expect(await refusal(ALICE, 0o600, [], TOKEN)).toMatch(/--users and WSPROXY_TOKEN exclude each other/);
    expect(await refusal(ALICE, 0o600, ['--token-file', 'x'])).toMatch(/--users and --token-file exclude each other/);
  });

  test('with mistakes, and tells each on a line of its own', async () => {
    const stderr = await refusal(`- { id: a b, token: ${OTHER} }\n- {}\n`, 0o600);
    expect(stderr.trimEnd().split('\n')).toHaveLength(4);
    expect(stderr).not.toContain(OTHER);
  });
});
