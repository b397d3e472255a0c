import { once } from 'node:events';
import { createWriteStream, existsSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { expect, test } from 'vitest';
import { WebSocket } from 'ws';
import { atEnd } from 'wsproxy-test-support/cleanup/at-end';
import { startWebFiles } from 'wsproxy-test-support/destinations/web-files';
import { keystreamReadable, sha256OfFile, sha256OfKeystream } from 'wsproxy-test-support/keystream';
import { type Listening, start, TOKEN } from 'wsproxy-test-support/programs/command-line';
import { type Ended, run } from 'wsproxy-test-support/programs/program';
import { type StartProxy, startBehind } from 'wsproxy-test-support/programs/reverse-proxy';
import { startCrowd } from 'wsproxy-test-support/programs/strangers';
import { until } from 'wsproxy-test-support/until';

const SEED = 'reverse-proxy';
const SIZES = [0, 1, 65_536, 64 * 1024 * 1024];
const LARGE = 200_000_000;
/** So slow that what happens in the middle does, bytes per second. */
const RATE = 25_000_000;
const BEFORE_RELOAD = 30_000_000;
/** So many come in beside a crowd. */
const TOKENS = 40;

/** What every reverse proxy must let pass, and what reloading one must not harm. */
export function testBehind(startProxy: StartProxy): void {
  async function prepare() {
    const [behind, files] = await Promise.all([startBehind(startProxy), startWebFiles()]);
    const client = await start('wsproxy-client', [behind.url], { env: behind.trusted });
    atEnd(() => expectStillRunning(client));
    const curl = (scheme: string, ...args: string[]): Promise<Ended> =>
      run('curl', ['-sS', '--fail', '-x', `${scheme}://127.0.0.1:${client.port}`, ...args]);
    return { ...behind, client: client.program, curl, web: `http://localhost:${files.port}` };
  }

  test.each(['socks5h', 'http'])('%s: downloads and uploads of every size are unchanged', async (scheme) => {
    const { curl, web, folder } = await prepare();
    for (const size of SIZES) {
      const [source, copy] = [join(folder, 'source'), join(folder, 'copy')];
      writeFileSync(copy, '');
      expect(await curl(scheme, '-o', copy, `${web}/${SEED}/${size}`)).toMatchObject({ code: 0 });
      expect(await sha256OfFile(copy)).toBe(await sha256OfKeystream(SEED, size));
      await pipeline(keystreamReadable(SEED, size), createWriteStream(source));
      const { stdout, stderr } = await curl(scheme, '-T', source, `${web}/upload`);
      expect(stderr).toBe('');
      expect(JSON.parse(stdout)).toEqual({ length: size, sha256: await sha256OfKeystream(SEED, size) });
    }
  });

  test('J9 a reload in the middle of a download costs a resume, and nothing else', async () => {
    const { curl, web, folder, client, reload } = await prepare();
    const copy = join(folder, 'copy');
    const length = () => (existsSync(copy) ? statSync(copy).size : 0);
    const downloading = curl('socks5h', '--limit-rate', String(RATE), '-o', copy, `${web}/${SEED}/${LARGE}`);
    await until('the download has begun', () => length() > BEFORE_RELOAD, 20_000);
    await reload();
    await client.untilStderr(/connected to the server[^]*not connected to the server[^]*"connected to the server"/);
    expect(length()).toBeLessThan(LARGE);

    expect(await downloading).toMatchObject({ code: 0, stderr: '' });
    expect(await sha256OfFile(copy)).toBe(await sha256OfKeystream(SEED, LARGE));
    expect(client.stderr).not.toMatch(/session ended/);
    console.log(`without a way to the server for ${timeAway(client.stderr)} ms`);
  });

  test.each(['silent', 'expecting', 'slow-header', 'slow-body', 'wrong-token'])(
    'strangers keep no right token out: %s',
    async (kind) => {
      const { port, url, trusted } = await startBehind(startProxy);
      const end = await startCrowd(kind, port, 256, ['/tunnel', 'tls']);
      let refused = 0;
      for (let i = 0; i < TOKENS; i += 1) {
        await knock(url, trusted.NODE_EXTRA_CA_CERTS).catch(() => {
          refused += 1;
        });
      }
      console.log(`${kind}: ${await end()} connections, ${refused} of ${TOKENS} right tokens refused`);
      expect(refused).toBe(0);
    },
  );

  test('a stranger finds nothing but the path, and the server learns where he comes from', async () => {
    const { port, server } = await startBehind(startProxy);
    const ask = async (path: string) => {
      // From another address, and claiming a third one.
      const from = ['--resolve', `localhost:${port}:127.0.0.1`, '--interface', '127.0.0.2'];
      const claim = ['-H', 'X-Forwarded-For: 192.0.2.1'];
      const url = `https://localhost:${port}${path}`;
      return (await run('curl', ['-ks', '-o', '/dev/null', '-w', '%{http_code}', ...from, ...claim, url])).stdout;
    };
    expect(await ask('/')).toBe('404');
    expect(await ask('/tunnel/more')).toBe('404');
    expect(await ask('/tunnel')).toBe('401');
    expect(await server.untilStderr(/"status":401,[^\n]*"remoteAddress":"([^"]+)"/)).toBe('127.0.0.2');
  });
}

/** Comes in with the right token, and leaves again. */
async function knock(url: string, ca: string): Promise<void> {
  const webSocket = new WebSocket(url, ['wsproxy.v1'], {
    headers: { authorization: `Bearer ${TOKEN}` },
    ca: readFileSync(ca),
  });
  atEnd(() => webSocket.terminate());
  await once(webSocket, 'open');
  webSocket.terminate();
}

/** From the loss of the connection to the next one, ms. */
function timeAway(log: string): number {
  const lines = log
    .trim()
    .split('\n')
    .map((line): { msg: string; time: string } => JSON.parse(line));
  const at = (message: string) => lines.flatMap(({ msg, time }) => (msg === message ? [Date.parse(time)] : []));
  return (at('connected to the server')[1] ?? Number.NaN) - (at('not connected to the server')[0] ?? Number.NaN);
}

function expectStillRunning({ program }: Listening): void {
  expect(program.child.exitCode, program.stderr).toBeNull();
}
