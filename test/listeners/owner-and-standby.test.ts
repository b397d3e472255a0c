import { createHash } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { startEcho } from 'wsproxy-test-support/destinations/echo';
import { runCommand, TOKEN } from 'wsproxy-test-support/programs/command-line';
import { type FarEnd, startFarEnd, startListening, startRelay, urlOf } from 'wsproxy-test-support/programs/listening';
import { ask } from 'wsproxy-test-support/sockets/ask';
import { listeningSocket } from 'wsproxy-test-support/sockets/kernel-sockets';
import { freePort } from 'wsproxy-test-support/sockets/listen';
import { temporaryFolder } from 'wsproxy-test-support/temporary-folder';
import { until } from 'wsproxy-test-support/until';

const OTHER = 'another-token-for-tests-0123456789-0123456789';
/** More than a session says of itself between two questions. */
const LENGTH = 50_000;
const QUESTIONS = 20;

/** Two ways to one server, and who of those that come by them has answered. */
async function startTwoWays({ server, relay: one }: FarEnd) {
  const ways = [one, await startRelay(server)] as const;
  const passed = [0, 0];
  ways.forEach((way, n) => {
    way.onBytes = (_, bytes) => {
      passed[n] = (passed[n] ?? 0) + bytes;
    };
  });
  const askWho = async (port: number): Promise<string> => {
    passed.fill(0);
    await ask(port, LENGTH);
    return passed.map((bytes) => (bytes > LENGTH ? 'answers' : '-')).join(' ');
  };
  return { ways, askWho };
}

describe('of two clients with one name', () => {
  test('the later one has the port, and the earlier one stands by for it, no matter what their transports suffer', async () => {
    const [farEnd, echo, port] = await Promise.all([startFarEnd(), startEcho(), freePort()]);
    const { ways, askWho } = await startTwoWays(farEnd);
    const forward = `${port}:127.0.0.1:${echo.port}`;
    const first = await startListening(urlOf(ways[0]), [forward]);
    expect(await askWho(port)).toBe('answers -');
    const socket = listeningSocket(port);

    const second = await startListening(urlOf(ways[1]), [forward]);
    await first.untilStderr(/stands by/);
    const answered: string[] = [];
    while (answered.length < QUESTIONS) {
      if (answered.length % 5 === 4) for (const way of ways) way.cut('reset');
      answered.push(await askWho(port));
    }
    expect(answered).toEqual(Array(QUESTIONS).fill('- answers'));
    // Each has said once that it listens, and nobody has said so again.
    for (const { stderr } of [first, second]) expect(stderr.match(/"the server listens"/g)).toHaveLength(1);

    second.signal('SIGTERM');
    await second.ended;
    await until('the first one has it again', async () => (await askWho(port).catch(String)) === 'answers -');
    expect(listeningSocket(port)).toBe(socket);
  });
});

describe('of two users', () => {
  const line = (id: string, token: string) =>
    `- { id: ${id}, token: "sha256:${createHash('sha256').update(token).digest('hex')}" }\n`;

  test('the second one is told that the port is in use, and the first one keeps it', async () => {
    const file = join(temporaryFolder(), 'users.yaml');
    writeFileSync(file, line('alice', TOKEN) + line('bob', OTHER), { mode: 0o600 });
    const [farEnd, echo, port] = await Promise.all([
      startFarEnd(['--users', file], { token: null }),
      startEcho(),
      freePort(),
    ]);
    const { ways, askWho } = await startTwoWays(farEnd);
    const forward = `${port}:127.0.0.1:${echo.port}`;
    await startListening(urlOf(ways[0]), [forward]);
    const args = [urlOf(ways[1]), '-R', forward, '--exit-on-forward-failure', '--listen', '0'];
    const { code, stderr } = await runCommand('wsproxy-client', args, { token: OTHER });
    expect(stderr).toMatch(/in use/);
    expect(code).toBe(1);
    expect(await askWho(port)).toBe('answers -');
  });
});
