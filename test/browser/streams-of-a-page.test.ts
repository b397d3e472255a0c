import { text } from 'node:stream/consumers';
import { describe, expect, test } from 'vitest';
import { startUnread } from 'wsproxy-test-support/destinations/unread';
import { skipUnlessInstalled } from 'wsproxy-test-support/programs/skip-unless-installed';
import { listen } from 'wsproxy-test-support/sockets/listen';
import { until } from 'wsproxy-test-support/until';
import { startPage } from './page.js';

describe('the streams of a page in Chromium', () => {
  skipUnlessInstalled('chromium');

  test('fill the buffer of a reader that brings one, and end', async () => {
    const { port } = await listen((socket) => void socket.end('0123456789'));
    const { page } = await startPage();
    const read = await page.evaluate(async (source) => {
      const { readable } = await globalThis.client.connect({ host: '127.0.0.1', port: source }).opened;
      const reader = readable.getReader({ mode: 'byob' });
      const pieces: string[] = [];
      for (let buffer = new ArrayBuffer(4); ; ) {
        const { value, done } = await reader.read(new Uint8Array(buffer));
        if (done) return pieces;
        pieces.push(new TextDecoder().decode(value));
        buffer = value.buffer;
      }
    }, port);
    expect([read.join(''), Math.max(...read.map(({ length }) => length))]).toEqual(['0123456789', 4]);
  });

  test('deliver what was written before a close, and reset a connection that was not written to its end', async () => {
    const got: string[] = [];
    const { port } = await listen((socket) => {
      let said = '';
      socket.on('data', (chunk) => {
        said += String(chunk.subarray(0, 10));
      });
      socket.on('end', () => got.push(said));
      socket.on('error', ({ message }) => got.push(message));
    });
    const { page } = await startPage();
    const said = await page.evaluate(async (sink) => {
      const open = () => globalThis.client.connect({ host: '127.0.0.1', port: sink }).opened;
      const [whole, part, aborted] = [await open(), await open(), await open()];
      await whole.writable.getWriter().write(new TextEncoder().encode('all of it'));
      whole.close();
      await whole.closed;
      // Nobody takes 64 MiB at once.
      const writing = part.writable.getWriter().write(new Uint8Array(67_108_864));
      part.close();
      await aborted.writable.abort('no');
      const codeOf = (error: unknown): unknown => (error as { code?: unknown }).code;
      return [await writing.catch(codeOf), await aborted.closed.catch(codeOf)];
    }, port);
    expect(said).toEqual(['CANCELLED', 'CANCELLED']);
    await expect
      .poll(() => [...got].sort(), { timeout: 10_000 })
      .toEqual(['all of it', 'read ECONNRESET', 'read ECONNRESET']);
  });

  test('are reset by abort at once, also while a write waits for a destination that does not read', async () => {
    const { page, server } = await startPage();
    const said = await page.evaluate(
      async (port) => {
        const { readable, writable, closed } = await globalThis.client.connect({ host: '127.0.0.1', port }).opened;
        const [reader, writer] = [readable.getReader(), writable.getWriter()];
        const all = [writer.write(new Uint8Array(67_108_864)), reader.read(), closed];
        await writer.abort('no');
        return Promise.all(all.map((each) => each.catch((error: unknown) => (error as { code?: unknown }).code)));
      },
      (await startUnread()).port,
    );
    expect(said).toEqual(['CANCELLED', 'CANCELLED', 'CANCELLED']);
    await until('the server has reset it', () => server.channelCount === 0);
  });

  test('go on in one direction when the page wants nothing more of the other', async () => {
    let received = 0;
    const { port } = await listen((socket) => {
      socket.on('data', ({ length }: Buffer) => {
        received += length;
      });
      // More than any window holds: it is thrown away as it comes.
      socket.write(Buffer.alloc(32 * 1024 * 1024), () => void socket.end());
    });
    const { page } = await startPage();
    await page.evaluate(async (sink) => {
      const { readable, writable, closed } = await globalThis.client.connect({ host: '127.0.0.1', port: sink }).opened;
      await readable.cancel();
      const writer = writable.getWriter();
      await writer.write(new Uint8Array(1_000));
      await writer.close();
      await closed;
    }, port);
    await expect.poll(() => received, { timeout: 10_000 }).toBe(1_000);
  });

  test('come from the server as well, for a service that the page has registered', async () => {
    const { page, server } = await startPage();
    await page.evaluate(async () => {
      globalThis.client.onIncoming('shout', async ({ readable, writable }) => {
        const said = await new Response(readable).text();
        const writer = writable.getWriter();
        await writer.write(new TextEncoder().encode(said.toUpperCase()));
        await writer.close();
      });
      await globalThis.client.start();
    });
    const [user = ''] = server.sessions().map((session) => session.user);
    const stream = await server.open(user, 'shout', { allowHalfOpen: true });
    stream.end('is anybody there?');
    expect(await text(stream)).toBe('IS ANYBODY THERE?');
    const other = await server.open(user, 'whisper').catch((error: Error) => error);
    expect(other).toMatchObject({ code: 'DENIED' });
  });

  test('of other calls do not suffer when the page throws where it gets one', async () => {
    const { page, server } = await startPage();
    await page.evaluate(async () => {
      globalThis.client.onIncoming('thrown', () => {
        throw new Error('of the page');
      });
      await globalThis.client.start();
    });
    const [user = ''] = server.sessions().map((session) => session.user);
    // They come in one message.
    const calls = Array.from({ length: 8 }, () => server.open(user, 'thrown', { timeout: 5_000 }));
    const streams = await Promise.all(calls);
    for (const stream of streams) stream.on('error', () => {}).destroy();
    expect(streams).toHaveLength(8);
  });

  test('are refused at once where there can be no connection', async () => {
    const { page } = await startPage();
    const said = await page.evaluate(async () => {
      const problem = (deed: () => unknown): string => {
        try {
          deed();
        } catch (error) {
          return String(error);
        }
        return 'none';
      };
      const { client, wsproxy } = globalThis;
      const ticket = async () => '';
      const connection = client.connect({ host: 'example.org', port: 80 });
      connection.close();
      return [
        problem(() => client.connect({ host: 'two words', port: 80 })),
        problem(() => client.connect({ host: 'example.org', port: 0 })),
        problem(() => wsproxy.createClient({ url: 'ftp://example.org', ticket })),
        problem(() => wsproxy.createClient({ url: '/tunnel', ticket, heartbeat: 1 })),
        await connection.opened.catch((error: { code: string }) => error.code),
      ];
    });
    expect(said).toEqual([
      'TypeError: host: "two words" is no host name and no address',
      'TypeError: port: expected a number from 1 to 65535',
      'TypeError: url: expected wss://, or a path at the server of the page',
      'TypeError: heartbeat: expected a number of ms from 5000 to 600000',
      'CANCELLED',
    ]);
  });
});
