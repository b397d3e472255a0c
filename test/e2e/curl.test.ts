import { join } from 'node:path';
import { writeFileSync } from 'node:fs';
import { pipeline } from 'node:stream/promises';
import { createWriteStream } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { type Receipt, startWebFiles } from '../support/destinations/web-files.js';
import { keystreamReadable, sha256OfFile, sha256OfKeystream } from '../support/keystream.js';
import { run } from '../support/program.js';
import { skipUnlessInstalled } from '../support/skip-unless-installed.js';
import { temporaryFolder } from '../support/temporary-folder.js';
import { startTunnel } from '../support/tunnel.js';

const MIB = 1024 * 1024;
const SIZES = [0, 1, 65_536, 256 * MIB];

/** How curl is told to use the proxy, and by which name it is given the destination. */
const WAYS = [
  { way: 'socks5h', host: 'localhost', options: (port: number) => ['-x', `socks5h://127.0.0.1:${port}`] },
  { way: 'socks5', host: '127.0.0.1', options: (port: number) => ['-x', `socks5://127.0.0.1:${port}`] },
  { way: 'socks4a', host: 'localhost', options: (port: number) => ['-x', `socks4a://127.0.0.1:${port}`] },
  { way: 'http', host: 'localhost', options: (port: number) => ['-x', `http://127.0.0.1:${port}`] },
  { way: 'http with -p', host: 'localhost', options: (port: number) => ['-p', '-x', `http://127.0.0.1:${port}`] },
];

describe.each(WAYS)('curl over $way', ({ host, options }) => {
  skipUnlessInstalled('curl');

  async function prepare() {
    const [{ port }, files] = await Promise.all([startTunnel(), startWebFiles()]);
    const file = join(temporaryFolder(), 'file');
    const curl = (...args: string[]) => run('curl', ['-sS', '--fail', '--noproxy', '', ...options(port), ...args]);
    return { curl, file, url: `http://${host}:${files.port}` };
  }

  test.each(SIZES)('downloads %d bytes unchanged', async (size) => {
    const { curl, file, url } = await prepare();
    writeFileSync(file, '');
    expect(await curl('-o', file, `${url}/down/${size}`)).toMatchObject({ code: 0, stderr: '' });
    expect(await sha256OfFile(file)).toBe(await sha256OfKeystream('down', size));
  });

  test.each(SIZES)('uploads %d bytes unchanged with -T', async (size) => {
    const { curl, file, url } = await prepare();
    await pipeline(keystreamReadable('up', size), createWriteStream(file));
    const { stdout, stderr } = await curl('-T', file, `${url}/upload`);
    expect(stderr).toBe('');
    expect(JSON.parse(stdout)).toEqual({ length: size, sha256: await sha256OfKeystream('up', size) } satisfies Receipt);
  });

  test.each([0, 65_536])('uploads %d bytes of unknown length from standard input', async (size) => {
    const { curl, file, url } = await prepare();
    await pipeline(keystreamReadable('up', size), createWriteStream(file));
    const { stdout } = await curl('-H', 'Transfer-Encoding: chunked', '--data-binary', `@${file}`, `${url}/upload`);
    expect(JSON.parse(stdout)).toEqual({ length: size, sha256: await sha256OfKeystream('up', size) } satisfies Receipt);
  });
});
