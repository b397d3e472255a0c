import { createServer } from 'node:http';
import { describe, expect, test } from 'vitest';
import { codeBlocks } from 'wsproxy-test-support/documents';
import { startChromium } from 'wsproxy-test-support/programs/chromium';
import { TOKEN } from 'wsproxy-test-support/programs/command-line';
import { skipUnlessInstalled } from 'wsproxy-test-support/programs/skip-unless-installed';
import { listenOn } from 'wsproxy-test-support/sockets/listen';
import { bundlePackage, serveFiles, startTicketServer } from './page.js';

describe('the page that docs/browser.md shows', () => {
  skipUnlessInstalled('chromium');

  test('asks for a token, and shows what a web server answers through the tunnel', async () => {
    const destination = await listenOn(createServer((_, response) => void response.end('from far away')));
    const files: Record<string, string | Uint8Array> = { '/wsproxy-browser.js': await bundlePackage() };
    const origin = await serveFiles(files);
    const { port } = await startTicketServer([origin]);
    const [shown = ''] = codeBlocks('browser.md', 'html');
    const exchanged = shown
      .replace('https://proxy.example.org/', `http://127.0.0.1:${port}/`)
      .replace('wss://proxy.example.org/', `ws://127.0.0.1:${port}/`)
      .replace("{ host: 'example.com', port: 80 }", `{ host: '127.0.0.1', port: ${destination.port} }`);
    expect(exchanged).not.toContain('example.org');
    files['/'] = exchanged;
    const page = await (await startChromium()).newPage();
    page.on('dialog', (dialog) => void dialog.accept(TOKEN));
    await page.goto(`${origin}/`);
    await page.locator('#answer', { hasText: 'from far away' }).waitFor();
    expect(await page.locator('#state').textContent()).toBe('connected');
  });
});
