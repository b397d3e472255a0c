import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import { startChromium } from 'wsproxy-test-support/programs/chromium';
import { TOKEN } from 'wsproxy-test-support/programs/command-line';
import { Program, run } from 'wsproxy-test-support/programs/program';
import { skipUnlessInstalled } from 'wsproxy-test-support/programs/skip-unless-installed';
import { CuttingRelay } from 'wsproxy-test-support/sockets/cutting-relay';
import { freePort } from 'wsproxy-test-support/sockets/listen';
import { temporaryFolder } from 'wsproxy-test-support/temporary-folder';
import { until } from 'wsproxy-test-support/until';

const SERVER = fileURLToPath(new URL('../../examples/push/server.mjs', import.meta.url));

/** The push service with its page for alice, behind a relay that cuts. */
async function startService() {
  const [relay, port, file] = [
    await new CuttingRelay(0).start(),
    await freePort(),
    join(temporaryFolder(), 'messages'),
  ];
  const origin = `http://127.0.0.1:${relay.port}`;
  const start = async (): Promise<Program> => {
    const env = { USERS: JSON.stringify({ alice: TOKEN }), ORIGIN: origin, PORT: String(port) };
    const server = new Program(process.execPath, [SERVER, file], { env });
    await server.untilStdout(/127\.0\.0\.1:\d+/);
    return server;
  };
  relay.target = port;
  const sent: string[] = [];
  const send = async (count: number): Promise<void> => {
    for (let n = 0; n < count; n++) {
      const body = `message ${sent.length + 1}`;
      expect((await fetch(`http://127.0.0.1:${port}/push/alice`, { method: 'POST', body })).status).toBe(202);
      sent.push(body);
    }
  };
  return { relay, origin, start, sent, send };
}

describe('the page for pushes', () => {
  skipUnlessInstalled('chromium');

  test('has every message once and in order, over cuts, reloads, and a kill of the server', {
    timeout: 120_000,
  }, async () => {
    const { relay, origin, start, sent, send } = await startService();
    const server = await start();
    const page = await (await startChromium()).newPage();
    await page.goto(origin);
    const receive = async (): Promise<void> => {
      await page.getByLabel('Token').fill(TOKEN);
      await page.getByRole('button', { name: 'Receive' }).click();
    };
    const shown = () => page.getByRole('listitem').allTextContents();
    const untilAll = () => until('all have come', async () => (await shown()).length >= sent.length, 60_000);
    await send(5);
    await receive();
    for (let cuts = 0; cuts < 6; cuts++) {
      await send(10);
      relay.cut(cuts % 2 === 0 ? 'reset' : 'end');
    }
    // One that came behind the last cut: the page is back.
    await send(1);
    await untilAll();

    // What is shown is not acknowledged when the page goes.
    relay.hold('up');
    await send(10);
    await untilAll();
    relay.cut('reset');
    relay.release();
    await page.reload();
    expect(await shown()).toEqual(sent);
    await receive();
    await send(3);
    await untilAll();

    server.child.kill('SIGKILL');
    await server.ended;
    await start();
    await send(5);
    await untilAll();
    expect(await shown()).toEqual(sent);
  });

  test('asks for the token again after a wrong one', async () => {
    const { origin, start, sent, send } = await startService();
    await start();
    await send(3);
    const page = await (await startChromium()).newPage();
    await page.goto(origin);
    const receive = async (token: string): Promise<void> => {
      await page.getByLabel('Token').fill(token);
      await page.getByRole('button', { name: 'Receive' }).click();
    };
    await receive(`${TOKEN}x`);
    await until('it says so', async () => (await page.getByRole('status').textContent())?.includes('401') === true);
    await receive(TOKEN);
    await until('all have come', async () => (await page.getByRole('listitem').count()) === sent.length);
    expect(await page.getByRole('listitem').allTextContents()).toEqual(sent);
  });

  test('gives tickets to its own origin and a right token alone', async () => {
    const { origin, start } = await startService();
    await start();
    const ask = async (headers: Record<string, string>) =>
      (await fetch(`${origin}/ticket`, { method: 'POST', headers })).status;
    const Authorization = `Bearer ${TOKEN}`;
    expect(await ask({ origin, Authorization })).toBe(200);
    expect(await ask({ origin })).toBe(401);
    expect(await ask({ origin, Authorization: `Bearer ${TOKEN}x` })).toBe(401);
    expect(await ask({ origin: 'https://other.example', Authorization })).toBe(403);
  });
});

test.each([
  ['no JSON', `{"alice":"${TOKEN}"`, 'USERS: expected JSON with the token of each user, such as {"alice":"TOKEN"}'],
  ['no token', '{"alice":5}', 'USERS: expected JSON with the token of each user, such as {"alice":"TOKEN"}'],
  ['no object', 'null', 'USERS: expected JSON with the token of each user, such as {"alice":"TOKEN"}'],
  ['what is no name of a user', `{"":"${TOKEN}"}`, expect.stringMatching(/^users: [^\n]+$/)],
])('the push service says in one line that USERS has %s, without a token', async (_, USERS, line) => {
  const { code, stderr } = await run(process.execPath, [SERVER, join(temporaryFolder(), 'messages')], {
    env: { USERS },
  });
  expect([code, stderr.trimEnd()]).toEqual([1, line]);
  expect(stderr).not.toContain(TOKEN);
});
