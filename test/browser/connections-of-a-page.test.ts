import { gzipSync } from 'node:zlib';
import { describe, expect, test } from 'vitest';
import { startEcho } from 'wsproxy-test-support/destinations/echo';
import { effort } from 'wsproxy-test-support/engine/effort';
import { skipUnlessInstalled } from 'wsproxy-test-support/programs/skip-unless-installed';
import { listen } from 'wsproxy-test-support/sockets/listen';
import { until } from 'wsproxy-test-support/until';
import { bundlePackage, cutOften, inPage, startPage } from './page.js';
import { startPatternPeer } from './pattern-peer.js';

const MIB = 1024 * 1024;
const EACH_WAY = effort('MIB', 256) * MIB;
const KILLS = effort('KILLS', 20);

describe('the package for pages', () => {
  test('takes less than 40 KiB of the network', async () => {
    expect(gzipSync(await bundlePackage()).length).toBeLessThan(40 * 1024);
  });
});

describe('a page in Chromium', () => {
  skipUnlessInstalled('chromium');

  test('has a connection whose halves end separately', async () => {
    const { port } = await startEcho();
    const { page } = await startPage();
    expect(await inPage(page, 'ask', port, 'hello')).toBe('hello');
    expect(await page.evaluate(() => globalThis.client.status)).toMatchObject({ state: 'connected', connections: 0 });
  });

  test('is told why a destination was not reached, and that a connection was reset', async () => {
    const { page } = await startPage();
    const closed = await listen(() => {});
    await closed.close();
    const resetting = await listen((socket) => void socket.once('data', () => socket.resetAndDestroy()));
    const said = await page.evaluate(
      async ([nowhere, cruel]) => {
        const codeOf = (error: unknown): unknown => (error as { code?: unknown }).code;
        const refused = await globalThis.client.connect({ host: '127.0.0.1', port: nowhere }).opened.catch(codeOf);
        const { readable, writable, closed } = await globalThis.client.connect({ host: '127.0.0.1', port: cruel })
          .opened;
        const writer = writable.getWriter();
        await writer.write(new Uint8Array(1));
        const read = await readable.getReader().read().catch(codeOf);
        const written = await writer.closed.catch(codeOf);
        return [refused, read, written, await closed.catch(codeOf)];
      },
      [closed.port, resetting.port] as const,
    );
    expect(said).toEqual(['CONNECTION_REFUSED', 'CONNECTION_RESET', 'CONNECTION_RESET', 'CONNECTION_RESET']);
  });

  test('has a thousand connections at a time', async () => {
    const { port } = await startEcho();
    const { page } = await startPage();
    const right = await page.evaluate(async (echo) => {
      const texts = Array.from({ length: 1_000 }, (_, n) => `I am number ${n}`);
      const answers = await Promise.all(texts.map((text) => globalThis.deeds.ask(echo, text)));
      return answers.filter((answer, n) => answer === texts[n]).length;
    }, port);
    expect(right).toBe(1_000);
  });

  test(`carries ${EACH_WAY / MIB} MiB each way at once, byte by byte, while its WebSocket is cut ${KILLS} times`, {
    timeout: 240_000 + 3_000 * (EACH_WAY / MIB),
  }, async () => {
    const peer = await startPatternPeer(EACH_WAY);
    const { page, relay } = await startPage();
    const cuts = cutOften(relay, KILLS, 2 * EACH_WAY);
    expect(await inPage(page, 'exchange', peer.port, EACH_WAY)).toBe(EACH_WAY);
    expect(await peer.received).toBe(EACH_WAY);
    expect(cuts()).toBe(KILLS);
    const { resumes } = await page.evaluate(() => globalThis.client.status);
    expect(resumes).toBeGreaterThanOrEqual(KILLS);
  });

  test('holds no more than its windows of what nobody reads, and serves its other connections', async () => {
    let sent = 0;
    const source = await listen((socket) => {
      const piece = Buffer.alloc(65_536);
      const send = (): void => {
        while (socket.write(piece)) sent += piece.length;
        sent += piece.length;
        socket.once('drain', send);
      };
      send();
    });
    const { port: echo } = await startEcho();
    const { page } = await startPage();
    const devtools = await page.context().newCDPSession(page);
    const memory = async (): Promise<number> => {
      await devtools.send('HeapProfiler.collectGarbage');
      const { usedSize, backingStorageSize } = (await devtools.send('Runtime.getHeapUsage')) as unknown as {
        usedSize: number;
        backingStorageSize: number;
      };
      return usedSize + backingStorageSize;
    };
    const before = await memory();
    await page.evaluate(async (port) => {
      const open = () => globalThis.client.connect({ host: '127.0.0.1', port }).opened;
      Object.assign(globalThis, { unread: await Promise.all(Array.from({ length: 20 }, open)) });
    }, source.port);
    let last = -1;
    await until('the source has to wait', async () => {
      const [former, now] = [last, sent];
      last = now;
      expect(await inPage(page, 'ask', echo, 'are you there?')).toBe('are you there?');
      return former === now;
    });
    expect((await memory()) - before).toBeLessThan(16 * MIB);
  });
});
