import { createHash } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { VERSION } from 'wsproxy-engine';
import { startSource } from 'wsproxy-test-support/destinations/source';
import { runCommand, start, TOKEN } from 'wsproxy-test-support/programs/command-line';
import { run } from 'wsproxy-test-support/programs/program';
import { skipUnlessInstalled } from 'wsproxy-test-support/programs/skip-unless-installed';
import { bySocks5, connectTo, readToEnd } from 'wsproxy-test-support/sockets/application';
import { CuttingRelay } from 'wsproxy-test-support/sockets/cutting-relay';
import { temporaryFolder } from 'wsproxy-test-support/temporary-folder';
import { startClient } from 'wsproxy-test-support/tunnel';
import { until } from 'wsproxy-test-support/until';

const OTHER = 'another-token-for-tests-0123456789-0123456789';
const LINES = 10_000;
const LENGTH = 300_000;
/** Fewer than wait for their turn. */
const BATCH = 200;
/** More at once than have a line each. */
const FLOOD = 150;
/** Of a cloud's metadata: no server dials it. */
const CLOSED = { host: '169.254.169.254', port: 80 };

/** The commands of the document, by the questions above them. */
const COMMANDS = new Map(
  [...readFileSync(new URL('../../docs/observing.md', import.meta.url), 'utf8').matchAll(/^# (.+\?)\n(jq .+)$/gm)].map(
    ([, question = '', command = '']) => [question, command],
  ),
);

/** What makes the log of all that a journal has of the server, by the document. */
const [, FILTER = 'false'] =
  /^journalctl .* -o cat \| (.+) > log$/m.exec(
    readFileSync(new URL('../../docs/observing.md', import.meta.url), 'utf8'),
  ) ?? [];

const line = (id: string, token: string, more = ''): string =>
  `- { id: ${id}, token: "sha256:${createHash('sha256').update(token).digest('hex')}"${more} }\n`;

/** Real programs that do what a log tells of, until it has so many lines; what the answers must be. */
async function writeLog(file: string): Promise<Written> {
  const folder = temporaryFolder();
  const users = join(folder, 'users.yaml');
  writeFileSync(users, line('alice', TOKEN) + line('mallory', OTHER, ', disabled: true'), { mode: 0o600 });
  const args = ['--users', users, '--reverse', '--allow', '127.0.0.1', '--max-failed-dials-burst', '100000'];
  const server = await start('wsproxy-server', args, { token: null });
  const relay = await new CuttingRelay(server.port).start();
  const [{ client, port }, source] = await Promise.all([startClient(relay.port), startSource('down', LENGTH)]);
  await readToEnd((await bySocks5(port, '127.0.0.1', source.port)).end('hello'));
  const target = `127.0.0.1:${source.port}`;
  const forward = await client.forwardRemote({ port: 0, target });
  const remote = forward.address?.port ?? 0;
  await readToEnd(await connectTo(remote));
  await client.forwardRemote({ port: 443, target }).catch(() => {});
  await relay.stop();
  await relay.start();
  await server.program.untilStderr(/session resumed/);
  for (const token of [OTHER, `${TOKEN}x`]) {
    await runCommand('wsproxy-client', [`ws://127.0.0.1:${server.port}/`, '--listen', '127.0.0.1:0'], { token });
  }
  const knock = () => fetch(`http://127.0.0.1:${server.port}/`, { headers: { authorization: 'Bearer wrong' } });
  await Promise.all(Array.from({ length: FLOOD }, knock));
  await server.program.untilStderr(/"reason":"wrong token"[^\n]*"unlogged":/);
  await runCommand('wsproxy-client', ['doctor', `ws://127.0.0.1:${server.port}/`, '--quick']);
  const count = (): number => server.program.stderr.split('\n').length;
  let denied = 0;
  while (count() < LINES) {
    const wanted = Math.min(BATCH, Math.ceil((LINES - count()) / 2));
    await Promise.all(Array.from({ length: wanted }, () => client.connect(CLOSED).catch(() => {})));
    denied += wanted;
    await until('the server has told of them', () => server.program.stderr.split('"channel over"').length > denied);
  }
  const session = await server.program.untilStderr(/"session":"([0-9a-f]{8})"[^\n]*session resumed/);
  await client.close();
  await server.program.untilStderr(new RegExp(`"session":"${session}"[^\n]*session over`));
  const again = await runCommand('wsproxy-server', ['--listen', `127.0.0.1:${server.port}`, '--log-format', 'json']);
  expect(again).toMatchObject({ code: 1, stderr: expect.stringMatching(/^wsproxy-server: cannot listen/) });
  const { code, stdout } = await run('sh', ['-c', FILTER], { input: again.stderr + server.program.stderr });
  expect(code).toBe(0);
  writeFileSync(file, stdout);
  return { session, port: server.port, source: source.port, remote, denied };
}

interface Written {
  readonly session: string;
  readonly port: number;
  /** Of the destination, and of the remote listener that leads there. */
  readonly source: number;
  readonly remote: number;
  readonly denied: number;
}

describe('the checklist of docs/observing.md', () => {
  skipUnlessInstalled('jq');

  test(`answers every question by one command on a log of ${LINES} lines`, async () => {
    const folder = temporaryFolder();
    const { session, port, source, remote, denied } = await writeLog(join(folder, 'log'));
    const ask = async (question: string): Promise<string> => {
      const command = COMMANDS.get(question) ?? 'false';
      const { code, stdout, stderr } = await run('sh', ['-c', command], { cwd: folder, env: { SESSION: session } });
      expect([question, code, stderr]).toEqual([question, 0, '']);
      return stdout;
    };
    const rows = async (question: string): Promise<string[][]> =>
      (await ask(question))
        .trimEnd()
        .split('\n')
        .map((row) => row.split('\t'));
    const objects = async (question: string): Promise<Record<string, unknown>[]> =>
      (await ask(question))
        .split('\n')
        .filter(Boolean)
        .map((row) => JSON.parse(row) as Record<string, unknown>);

    expect(await objects('Which version runs, and what is open?')).toMatchObject([
      {
        version: VERSION,
        users: 2,
        listen: `127.0.0.1:${port}`,
        path: '/',
        tls: false,
        allowPrivate: false,
        udp: true,
        reverse: true,
      },
    ]);
    expect(await rows('Who was there, from where, with which version, and how often did they come?')).toEqual([
      ['alice', '127.0.0.1', VERSION, expect.stringMatching(/^[3-9]$/)],
    ]);
    const [[user, up, down] = []] = await rows('How much did each user carry, up and down, in how many connections?');
    expect([user, Number(up) >= 5 + LENGTH, Number(down) >= LENGTH]).toEqual(['alice', true, true]);
    const remotely =
      'Which remote listeners were there, how many came, how much did that carry, and who waited longest for the client?';
    // The doctor has had one as well.
    expect(await rows(remotely)).toContainEqual([
      'alice',
      `127.0.0.1:${remote}`,
      '1',
      `${LENGTH}`,
      expect.stringMatching(/^\d+$/),
    ]);
    expect(await rows('Who may not listen, and where?')).toEqual([
      ['DENIED', 'alice', '127.0.0.1:443', 'denied:listen'],
    ]);
    const [most] = await rows('Which destinations got most of it?');
    expect(most).toEqual([`127.0.0.1:${source}`, String(LENGTH + 5)]);
    expect(await rows('Why were clients refused, and who?')).toEqual([
      ['disabled user', 'mallory', '127.0.0.1', '1'],
      ['no token', 'nobody', '127.0.0.1', '1'],
      ['wrong token', 'nobody', '127.0.0.1', String(FLOOD + 1)],
    ]);
    expect(await rows('Why were destinations refused, those aside that a doctor tries?')).toEqual([
      ['DENIED', '169.254.169.254:80', 'alice', String(denied)],
    ]);
    const slow = await rows(
      'Why is it slow: which connections waited longest to be dialled, and which for their client?',
    );
    expect(slow).toContainEqual([
      'alice',
      `127.0.0.1:${source}`,
      ...Array(2).fill(expect.stringMatching(/^\d+$/)),
      `${LENGTH}`,
      expect.anything(),
    ]);
    expect(await ask('Which limits were reached, and by whom?')).toBe('');
    expect(await rows('Whose connection is lost again and again, and how long is it away?')).toEqual([
      ['alice', '1', expect.stringMatching(/^\d+$/)],
    ]);
    const course = (await objects('What became of one session?')).map(({ msg }) => msg);
    expect([course[0], course.at(-1)]).toEqual(['session began', 'session over']);
    expect(course).toEqual(expect.arrayContaining(['session detached', 'session resumed', 'channel over']));
    expect(await ask('What needs somebody?')).toBe('');
    expect(COMMANDS.size).toBe(13);
  }, 60_000);
});
