import { describe, expect, test } from 'vitest';
import { startEcho } from 'wsproxy-test-support/destinations/echo';
import { skipUnlessInstalled } from 'wsproxy-test-support/programs/skip-unless-installed';
import { startPage } from './page.js';

describe('a page in Chromium', () => {
  skipUnlessInstalled('chromium');

  test('has a connection whose halves end separately', async () => {
    const { port } = await startEcho();
    const { page } = await startPage();
    const said = await page.evaluate(async (echo) => {
      const connection = globalThis.client.connect({ host: '127.0.0.1', port: echo });
      const { readable, writable } = await connection.opened;
      const writer = writable.getWriter();
      await writer.write(new TextEncoder().encode('hello'));
      await writer.close();
      const text = await new Response(readable).text();
      await connection.closed;
      return [text, globalThis.client.status.state];
    }, port);
    expect(said).toEqual(['hello', 'connected']);
  });
});
