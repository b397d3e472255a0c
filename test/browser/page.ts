import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { fileURLToPath } from 'node:url';
import { type BuildOptions, build } from 'esbuild';
import type { Page } from 'playwright';
import type { Server, ServerOptions } from 'wsproxy-server';
import { atEnd } from 'wsproxy-test-support/cleanup/at-end';
import { startChromium } from 'wsproxy-test-support/programs/chromium';
import { TOKEN } from 'wsproxy-test-support/programs/command-line';
import type { ScriptedPage } from 'wsproxy-test-support/programs/firefox';
import { CuttingRelay } from 'wsproxy-test-support/sockets/cutting-relay';
import { startServer } from 'wsproxy-test-support/tunnel';
import type { PageDeeds } from './in-page.js';

/** A page with a client of a server, which it reaches through a relay. */
export interface PageInTunnel<Kind extends ScriptedPage = Page> {
  readonly page: Kind;
  readonly server: Server;
  readonly relay: CuttingRelay;
  /** Where the page comes from. */
  readonly origin: string;
}

/** One in Chromium. */
export async function startPage(options: Partial<ServerOptions> = {}): Promise<PageInTunnel> {
  return joinTunnel(await (await startChromium(MEMORY_IS_TOLD)).newPage(), options);
}

/** Makes `page` one. */
export async function joinTunnel<Kind extends ScriptedPage>(
  page: Kind,
  options: Partial<ServerOptions> = {},
): Promise<PageInTunnel<Kind>> {
  const origin = await startPages();
  const { server, port } = await startTicketServer([origin], options);
  const relay = await new CuttingRelay(port).start();
  await openClient(page, origin, relay.port);
  return { page, server, relay, origin };
}

const MEMORY_IS_TOLD = '--enable-precise-memory-info';

/** A web server with an empty page that has the package; tells its origin. */
export async function startPages(): Promise<string> {
  const code = await bundle({ entryPoints: [fileURLToPath(new URL('in-page.ts', import.meta.url))] });
  return serveFiles({ '/page.js': code, '/': HTML });
}

/** A web server with such files; tells its origin. */
export async function serveFiles(files: Readonly<Record<string, string | Uint8Array>>): Promise<string> {
  const server = createServer(({ url = '' }, response) => {
    const type = url.endsWith('.js') ? 'text/javascript' : 'text/html';
    response.writeHead(files[url] === undefined ? 404 : 200, { 'Content-Type': type, 'Cache-Control': 'no-store' });
    response.end(files[url]);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  atEnd(() => {
    server.close();
    server.closeAllConnections();
  });
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

const HTML = `<!doctype html><title>A page</title><link rel="icon" href="data:,"><script type="module" src="/page.js"></script>`;

/** The package alone, as a page loads it. */
export function bundlePackage(): Promise<Uint8Array> {
  return bundle({ stdin: { contents: "export * from 'wsproxy-browser';", resolveDir: import.meta.dirname } });
}

/** One file for a page, from the sources. */
async function bundle(from: BuildOptions): Promise<Uint8Array> {
  const { outputFiles = [] } = await build({
    ...{ bundle: true, minify: true, format: 'esm', platform: 'browser', target: 'es2022', write: false },
    conditions: ['wsproxy-source'],
    ...from,
  });
  const [file] = outputFiles;
  if (file === undefined) throw new Error('esbuild has made nothing');
  return file.contents;
}

/** A server that gives tickets to pages of these origins. */
export function startTicketServer(
  allowOrigins: readonly string[],
  options: Partial<ServerOptions> = {},
): Promise<{ server: Server; port: number }> {
  return startServer({ tickets: '/ticket', allowOrigins, ...options });
}

/** Loads the page, and makes its client. */
export async function openClient(
  page: ScriptedPage,
  origin: string,
  port: number,
  token: string = TOKEN,
): Promise<void> {
  await page.goto(origin);
  await page.evaluate(({ at, bearer }) => globalThis.deeds.connect(at, bearer), {
    ...{ at: `127.0.0.1:${port}`, bearer: token },
  });
}

/** Cuts the WebSockets of a relay so often while so many bytes pass; returns what tells how often it has. */
export function cutOften(relay: CuttingRelay, times: number, bytes: number): () => number {
  let passed = 0;
  let cuts = 0;
  relay.onBytes = (connection, more) => {
    passed += more;
    if (cuts >= times || passed < (cuts + 1) * (bytes / (times + 1))) return;
    cuts += 1;
    connection.cut(cuts % 2 === 0 ? 'end' : 'reset');
  };
  return () => cuts;
}

/** What becomes of a WebSocket of a page with such subprotocols. */
export function dial(page: ScriptedPage, url: string, protocols: readonly string[]): Promise<'open' | 'refused'> {
  return page.evaluate(
    ([to, names]) =>
      new Promise<'open' | 'refused'>((resolve) => {
        const socket = new WebSocket(to, [...names]);
        socket.onopen = () => resolve('open');
        socket.onclose = () => resolve('refused');
      }),
    [url, protocols] as const,
  );
}

/** What comes of a deed of the page. */
export function inPage<Name extends Exclude<keyof PageDeeds, 'connect'>>(
  page: ScriptedPage,
  name: Name,
  ...args: Parameters<PageDeeds[Name]>
): ReturnType<PageDeeds[Name]> {
  const call = ([deed, given]: [string, unknown[]]): unknown =>
    (globalThis.deeds as unknown as Record<string, (...given: unknown[]) => unknown>)[deed]?.(...given);
  return page.evaluate(call, [name, args] as [string, unknown[]]) as ReturnType<PageDeeds[Name]>;
}
