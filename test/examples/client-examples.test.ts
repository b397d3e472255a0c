import { writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import { postgresProgram, startPostgres } from 'wsproxy-test-support/destinations/postgres';
import { TOKEN } from 'wsproxy-test-support/programs/command-line';
import { run } from 'wsproxy-test-support/programs/program';
import { skipUnlessInstalled } from 'wsproxy-test-support/programs/skip-unless-installed';
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

describe('postgres.mjs', () => {
  skipUnlessInstalled(postgresProgram('postgres'));

  test('asks a real PostgreSQL', async () => {
    const { code, stdout, stderr } = await runExample('postgres.mjs', await startPostgres());
    expect(stderr).toBe('');
    expect(stdout).toMatch(/^PostgreSQL \d+[^\n]*\nthe sum of 1 to 1000 is 500500\n$/);
    expect(code).toBe(0);
  });
});
