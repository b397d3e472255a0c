import { readdirSync, readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import { codeBlocks } from 'wsproxy-test-support/documents';
import { startChromium } from 'wsproxy-test-support/programs/chromium';
import { TOKEN } from 'wsproxy-test-support/programs/command-line';
import { skipUnlessInstalled } from 'wsproxy-test-support/programs/skip-unless-installed';
import { listenOn } from 'wsproxy-test-support/sockets/listen';
import { bundlePackage, serveFiles, startTicketServer } from './page.js';

describe('the page that docs/browser.md shows', () => {
  skipUnlessInstalled('chromium');

  test.each([
    ['one file of the package', false],
    ['the files of npm and an import map', true],
  ])('asks for a token, and shows what a web server answers through the tunnel, with %s', async (_, isMapped) => {
    const destination = await listenOn(createServer((_, response) => void response.end('from far away')));
    const files: Record<string, string | Uint8Array> = isMapped
      ? { ...installed('browser'), ...installed('engine') }
      : { '/wsproxy-browser.js': await bundlePackage() };
    const origin = await serveFiles(files);
    const { port } = await startTicketServer([origin]);
    const [shown = '', map = ''] = codeBlocks('browser.md', 'html');
    const loaded = isMapped ? `${map}${shown.replace('./wsproxy-browser.js', 'wsproxy-browser')}` : shown;
    const exchanged = loaded
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

/** The modules of a package, as npm puts them below `node_modules`. */
function installed(name: string): Record<string, string> {
  const folder = fileURLToPath(new URL(`../../packages/${name}/dist/`, import.meta.url));
  const modules = readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter((file) => file.endsWith('.js'));
  return Object.fromEntries(
    modules.map((file) => [`/node_modules/wsproxy-${name}/dist/${file}`, readFileSync(`${folder}${file}`, 'utf8')]),
  );
}
