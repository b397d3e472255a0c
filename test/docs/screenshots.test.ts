import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { inflateSync } from 'node:zlib';
import { describe, expect, test } from 'vitest';
import { CHROMIUM } from 'wsproxy-test-support/programs/chromium-program';
import { run } from 'wsproxy-test-support/programs/program';
import { skipUnlessInstalled } from 'wsproxy-test-support/programs/skip-unless-installed';
import { temporaryFolder } from 'wsproxy-test-support/temporary-folder';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));

/** The width of a PNG, and the brightness of its first pixel, which no filter changes (RFC 2083 sections 4.1 and 6). */
function lookAt(file: string): { width: number; brightness: number } {
  const png = readFileSync(file);
  const data: Buffer[] = [];
  for (let at = 8; at < png.length; ) {
    const [length, type] = [png.readUInt32BE(at), png.toString('latin1', at + 4, at + 8)];
    if (type === 'IDAT') data.push(png.subarray(at + 8, at + 8 + length));
    at += length + 12;
  }
  const [red = 0, green = 0, blue = 0] = inflateSync(Buffer.concat(data)).subarray(1);
  return { width: png.readUInt32BE(16), brightness: (red + green + blue) / 3 };
}

describe('npm run screenshots', () => {
  skipUnlessInstalled(CHROMIUM);

  test('takes pictures of the status page in light colours and in dark ones, of a tunnel that is up and of one that is away', async () => {
    const folder = temporaryFolder();
    const args = ['--import', 'tsx', 'scripts/screenshots.ts', '--folder', folder, '--seconds', '3', '--port', '0'];
    const { code, stderr } = await run(process.execPath, args, { cwd: ROOT, timeout: 80_000 });
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    const [light, dark, away] = ['status-light', 'status-dark', 'status-away'].map((name) =>
      lookAt(join(folder, `${name}.png`)),
    );
    expect([light?.width, dark?.width, away?.width]).toEqual([1_280, 390, 1_280]);
    expect(light?.brightness).toBeGreaterThan(200);
    expect(dark?.brightness).toBeLessThan(60);
  });
});
