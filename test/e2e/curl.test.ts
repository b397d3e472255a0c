import { createWriteStream, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { describe, expect, test } from 'vitest';
import { startWebFiles } from 'wsproxy-test-support/destinations/web-files';
import { keystreamReadable, sha256OfFile, sha256OfKeystream } from 'wsproxy-test-support/keystream';
import { run } from 'wsproxy-test-support/programs/program';
import { skipUnlessInstalled } from 'wsproxy-test-support/programs/skip-unless-installed';
import { temporaryFolder } from 'wsproxy-test-support/temporary-folder';
import { startTunnel } from 'wsproxy-test-support/tunnel';

const SIZES = [0, 1, 65_536, 256 * 1024 * 1024];
const SEED = 'curl';

/** How curl is told to use the proxy, and what it calls the destination: over socks5 it has to know the address. */
const WAYS = [
  { way: 'socks5h://', host: 'localhost', options: ['-x', 'socks5h://PROXY'] },
  { way: 'socks5://', host: '127.0.0.1', options: ['-x', 'socks5://PROXY'] },
  { way: 'socks4a://', host: 'localhost', options: ['-x', 'socks4a://PROXY'] },
  { way: 'http://', host: 'localhost', options: ['-x', 'http://PROXY'] },
  { way: 'http:// with -p', host: 'localhost', options: ['-p', '-x', 'http://PROXY'] },
];

describe.each(WAYS.map((each) => [each.way, each] as const))('curl over %s', (_way, { host, options }) => {
  skipUnlessInstalled('curl');

  async function prepare() {
    const [{ port }, files] = await Promise.all([startTunnel(), startWebFiles()]);
    const proxy = options.map((option) => option.replace('PROXY', `127.0.0.1:${port}`));
    const curl = (...args: string[]) => run('curl', ['--silent', '--show-error', '--fail', ...proxy, ...args]);
    return { curl, url: `http://${host}:${files.port}`, file: join(temporaryFolder(), 'file') };
  }

  test.each(SIZES)('downloads %d bytes unchanged', async (size) => {
    const { curl, url, file } = await prepare();
    // curl makes no file for an empty body.
    writeFileSync(file, '');
    expect(await curl('--output', file, `${url}/${SEED}/${size}`)).toMatchObject({ code: 0, stderr: '' });
    expect(await sha256OfFile(file)).toBe(await sha256OfKeystream(SEED, size));
  });

  test.each(SIZES)('uploads %d bytes unchanged with -T', async (size) => {
    const { curl, url, file } = await prepare();
    await pipeline(keystreamReadable(SEED, size), createWriteStream(file));
    const { stdout, stderr } = await curl('-T', file, `${url}/upload`);
    expect(stderr).toBe('');
    expect(JSON.parse(stdout)).toEqual({ length: size, sha256: await sha256OfKeystream(SEED, size) });
  });

  test.each(SIZES.slice(0, -1))('uploads %d bytes unchanged with --data-binary, in chunks', async (size) => {
    const { curl, url, file } = await prepare();
    await pipeline(keystreamReadable(SEED, size), createWriteStream(file));
    const { stdout, stderr } = await curl('-H', 'Transfer-Encoding: chunked', '--data-binary', `@${file}`, url);
    expect(stderr).toBe('');
    expect(JSON.parse(stdout)).toEqual({ length: size, sha256: await sha256OfKeystream(SEED, size) });
  });
});
