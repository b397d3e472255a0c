import { writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import { postgresProgram, startPostgres } from 'wsproxy-test-support/destinations/postgres';
import { TOKEN } from 'wsproxy-test-support/programs/command-line';
import { Program, run } from 'wsproxy-test-support/programs/program';
import { skipUnlessInstalled } from 'wsproxy-test-support/programs/skip-unless-installed';
import { bindDatagrams } from 'wsproxy-test-support/sockets/datagram-socket';
import { freePort, listenOn } from 'wsproxy-test-support/sockets/listen';
import { temporaryFolder } from 'wsproxy-test-support/temporary-folder';
import { startServer } from 'wsproxy-test-support/tunnel';

/** Runs one of examples/ as its first lines say, against a server of its own. */
async function runExample(name: string, ...args: string[]) {
  const { port } = await startServer();
  const script = fileURLToPath(new URL(`../../examples/${name}`, import.meta.url));
  const env = { WSPROXY_TOKEN: TOKEN };
  return run(process.execPath, [script, `ws://127.0.0.1:${port}/`, ...args], { env, timeout: 60_000 });
}

async function startWeb(): Promise<string> {
  const { port } = await listenOn(createServer((request, response) => response.end(`this is ${request.url}`)));
  return `http://127.0.0.1:${port}`;
}

test('fetch.mjs fetches pages', async () => {
  const web = await startWeb();
  const { code, stdout, stderr } = await runExample('fetch.mjs', `${web}/a`, `${web}/bc`);
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  expect(stdout).toBe(`200 ${web}/a 10 bytes\n200 ${web}/bc 11 bytes\n`);
});

test('scrape.mjs fetches 1,000 URLs, shows progress, and tells of the one that failed', async () => {
  const web = await startWeb();
  const list = join(temporaryFolder(), 'urls.txt');
  const dead = `http://127.0.0.1:${await freePort()}/`;
  const urls = Array.from({ length: 1_000 }, (_, n) => (n === 500 ? dead : `${web}/${n}`));
  writeFileSync(list, `${urls.join('\n')}\n`);
  const { code, stdout, stderr } = await runExample('scrape.mjs', list, '50');
  expect(stdout).toMatch(/^999 of 1000 fetched, \d+ bytes\n/);
  expect(stdout).toContain(`failed: ${dead}: CONNECTION_REFUSED\n`);
  expect(stderr).toMatch(/█{40} 1000\/1000\n$/);
  expect(code).toBe(0);
});

describe('ntp.mjs', () => {
  /** Answers every second question, so that the first one is lost, with 2001-02-03 04:05:06.5. */
  async function startTimeServer(): Promise<number> {
    let asked = 0;
    const server = await bindDatagrams((question, from) => {
      asked += 1;
      if (asked % 2 === 1) return;
      const answer = Buffer.alloc(48);
      question.copy(answer, 24, 40, 48);
      answer.writeUInt32BE(Date.UTC(2001, 1, 3, 4, 5, 6) / 1_000 + 2_208_988_800, 40);
      answer.writeUInt32BE(2 ** 31, 44);
      void server.send(answer, from.port, from.address);
    });
    return server.port;
  }

  test('asks a time server again, and tells the time', async () => {
    const { code, stdout, stderr } = await runExample('ntp.mjs', `127.0.0.1:${await startTimeServer()}`);
    expect({ code, stdout, stderr }).toEqual({ code: 0, stdout: '2001-02-03T04:05:06.500Z\n', stderr: '' });
  });
});

describe('postgres.mjs', () => {
  skipUnlessInstalled(postgresProgram('postgres'));

  test('asks a real PostgreSQL', async () => {
    const { code, stdout, stderr } = await runExample('postgres.mjs', await startPostgres());
    expect(stderr).toBe('');
    expect(stdout).toMatch(/^PostgreSQL \d+[^\n]*\nthe sum of 1 to 1000 is 500500\n$/);
    expect(code).toBe(0);
  });
});

test('publish.mjs answers at a port of the server', async () => {
  const { port } = await startServer({ reverse: true });
  const script = fileURLToPath(new URL('../../examples/publish.mjs', import.meta.url));
  const program = new Program(process.execPath, [script, `ws://127.0.0.1:${port}/`, '0'], {
    env: { WSPROXY_TOKEN: TOKEN },
  });
  const chosen = Number(await program.untilStdout(/the server listens on 127\.0\.0\.1 port (\d+)\n/));
  expect(await (await fetch(`http://127.0.0.1:${chosen}/`)).text()).toBe('hello, 127.0.0.1\n');
  program.signal('SIGTERM');
  expect(await program.ended).toMatchObject({ code: 0, stderr: '' });
});
