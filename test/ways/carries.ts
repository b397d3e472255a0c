import { createWriteStream } from 'node:fs';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { expect } from 'vitest';
import { startWebFiles } from 'wsproxy-test-support/destinations/web-files';
import { keystreamReadable, sha256OfFile, sha256OfKeystream } from 'wsproxy-test-support/keystream';
import { type Ended, run } from 'wsproxy-test-support/programs/program';
import { temporaryFolder } from 'wsproxy-test-support/temporary-folder';

const SEED = 'ways';

/** Gets and sends `size` bytes through the local port at the same time, and expects them unchanged. */
export async function expectCarried(port: number, size: number): Promise<void> {
  const [folder, files] = [temporaryFolder(), await startWebFiles()];
  const [source, copy] = [join(folder, 'source'), join(folder, 'copy')];
  await pipeline(keystreamReadable(SEED, size), createWriteStream(source));
  const curl = (...args: string[]): Promise<Ended> =>
    run('curl', ['-sS', '--fail', '-x', `socks5h://127.0.0.1:${port}`, ...args]);
  const web = `http://localhost:${files.port}`;
  const [down, up] = await Promise.all([
    curl('-o', copy, `${web}/${SEED}/${size}`),
    curl('-T', source, `${web}/upload`),
  ]);
  expect(down).toMatchObject({ code: 0, stderr: '' });
  expect(up.stderr).toBe('');
  const sha256 = await sha256OfKeystream(SEED, size);
  expect(await sha256OfFile(copy)).toBe(sha256);
  expect(JSON.parse(up.stdout)).toEqual({ length: size, sha256 });
}
