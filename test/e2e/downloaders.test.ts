import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { startWebFiles } from 'wsproxy-test-support/destinations/web-files';
import { sha256OfFile, sha256OfKeystream } from 'wsproxy-test-support/keystream';
import { run } from 'wsproxy-test-support/programs/program';
import { skipUnlessInstalled } from 'wsproxy-test-support/programs/skip-unless-installed';
import { temporaryFolder } from 'wsproxy-test-support/temporary-folder';
import { startTunnel } from 'wsproxy-test-support/tunnel';

const LENGTH = 1_000_000;
const APT_HELPER = '/usr/lib/apt/apt-helper';

/** Programs that ask for http:// in absolute form, and would like to keep the connection for the next request. */
describe('wget', () => {
  skipUnlessInstalled('wget');

  test('downloads several files in one run', async () => {
    const [{ port }, files] = await Promise.all([startTunnel(), startWebFiles()]);
    const folder = temporaryFolder();
    const url = `http://localhost:${files.port}`;
    const urls = ['a', 'b', 'c'].map((seed) => `${url}/${seed}/${LENGTH}`);
    const env = { http_proxy: `http://127.0.0.1:${port}` };
    const { code, stderr } = await run('wget', ['--no-verbose', '--force-directories', ...urls], { cwd: folder, env });
    expect(code, stderr).toBe(0);
    for (const seed of ['a', 'b', 'c']) {
      const file = join(folder, `localhost:${files.port}`, seed, String(LENGTH));
      expect(await sha256OfFile(file)).toBe(await sha256OfKeystream(seed, LENGTH));
    }
  });

  test('sends nothing to the destination that was meant for the proxy', async () => {
    const [{ port }, files] = await Promise.all([startTunnel(), startWebFiles()]);
    const env = { http_proxy: `http://user:password@127.0.0.1:${port}` };
    const args = ['--quiet', '--output-document=-', '--header=Proxy-Connection: keep-alive'];
    const { stdout } = await run('wget', [...args, `http://localhost:${files.port}/headers`], { env });
    const headers = JSON.parse(stdout) as string[];
    expect(headers.filter((name, index) => index % 2 === 0 && /^(proxy-|keep-alive)/i.test(name))).toEqual([]);
    expect(headers).toContain(`localhost:${files.port}`);
  });
});

describe('apt', () => {
  skipUnlessInstalled(APT_HELPER);

  test.each(['http', 'socks5h'])('downloads several files over %s://, pipelined as it likes', async (scheme) => {
    const [{ port }, files] = await Promise.all([startTunnel(), startWebFiles()]);
    const folder = temporaryFolder();
    const seeds = ['a', 'b', 'c', 'd', 'e'];
    const wanted = seeds.map(async (seed) => {
      const hash = await sha256OfKeystream(seed, LENGTH);
      return [`http://localhost:${files.port}/${seed}/${LENGTH}`, join(folder, seed), `SHA256:${hash}`];
    });
    const options = [
      `Acquire::http::Proxy=${scheme}://127.0.0.1:${port}`,
      'APT::Sandbox::User=root',
      'Acquire::Retries=0',
    ];
    const args = [
      ...options.flatMap((option) => ['-o', option]),
      'download-file',
      ...(await Promise.all(wanted)).flat(),
    ];
    const { code, stdout, stderr } = await run(APT_HELPER, args);
    expect(code, stdout + stderr).toBe(0);
    for (const seed of seeds) {
      expect(await sha256OfFile(join(folder, seed))).toBe(await sha256OfKeystream(seed, LENGTH));
    }
  });
});
