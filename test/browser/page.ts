import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import type { Page } from 'playwright';
import type * as browserLibrary from 'wsproxy-browser';
import type { Server, ServerOptions } from 'wsproxy-server';
import { atEnd } from 'wsproxy-test-support/cleanup/at-end';
import { startChromium } from 'wsproxy-test-support/programs/chromium';
import { TOKEN } from 'wsproxy-test-support/programs/command-line';
import { CuttingRelay } from 'wsproxy-test-support/sockets/cutting-relay';
import { startServer } from 'wsproxy-test-support/tunnel';

/** What a page of a test has. */
declare global {
  var wsproxy: typeof browserLibrary;
  var client: browserLibrary.Client;
}

/** A page in Chromium with a client of a server, which it reaches through a relay. */
export interface PageInTunnel {
  readonly page: Page;
  readonly server: Server;
  readonly relay: CuttingRelay;
  /** Where the page comes from. */
  readonly origin: string;
}

/** The package as a page loads it: one file. */
async function bundleForPage(): Promise<Uint8Array> {
  const { outputFiles } = await build({
    stdin: {
      contents: "export * from 'wsproxy-browser';",
      resolveDir: fileURLToPath(new URL('../..', import.meta.url)),
    },
    ...{
      bundle: true,
      minify: true,
      format: 'esm',
      platform: 'browser',
      target: 'es2022',
      conditions: ['wsproxy-source'],
      write: false,
    },
  });
  const [file] = outputFiles;
  if (file === undefined) throw new Error('esbuild has made nothing');
  return file.contents;
}

/** A web server with the package and an empty page. */
async function startPages(): Promise<string> {
  const code = await bundleForPage();
  const server = createServer((request, response) => {
    const [type, body] = request.url === '/wsproxy.js' ? ['text/javascript', code] : ['text/html', HTML];
    response.writeHead(200, { 'Content-Type': type, 'Cache-Control': 'no-store' }).end(body);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  atEnd(() => void server.close().closeAllConnections());
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

const HTML = `<!doctype html><title>A page</title><link rel="icon" href="data:,"><script type="module">
globalThis.wsproxy = await import('/wsproxy.js');
</script>`;

/** A server that gives tickets to pages of `origin`. */
function startTicketServer(
  origin: string,
  options: Partial<ServerOptions> = {},
): Promise<{ server: Server; port: number }> {
  return startServer({ tickets: '/ticket', allowOrigins: [origin], ...options });
}

export async function startPage(options: Partial<ServerOptions> = {}): Promise<PageInTunnel> {
  const origin = await startPages();
  const { server, port } = await startTicketServer(origin, options);
  const relay = await new CuttingRelay(port).start();
  const page = await (await startChromium()).newPage();
  await openClient(page, origin, relay.port);
  return { page, server, relay, origin };
}

/** Loads the page, and makes its client. */
async function openClient(page: Page, origin: string, port: number, token: string = TOKEN): Promise<void> {
  await page.goto(origin);
  await page.waitForFunction(() => globalThis.wsproxy !== undefined);
  await page.evaluate(
    ({ at, bearer }) => {
      const { createClient, ticketFrom } = globalThis.wsproxy;
      const ticket = ticketFrom(`http://${at}/ticket`, { headers: { Authorization: `Bearer ${bearer}` } });
      globalThis.client = createClient({ url: `ws://${at}/`, ticket });
    },
    { at: `127.0.0.1:${port}`, bearer: token },
  );
}
