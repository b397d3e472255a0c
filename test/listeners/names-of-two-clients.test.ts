import { once } from 'node:events';
import { createServer, get, type IncomingMessage } from 'node:http';
import { text } from 'node:stream/consumers';
import { describe, expect, test } from 'vitest';
import { makeCertificate } from 'wsproxy-test-support/certificate';
import { startWebSite } from 'wsproxy-test-support/destinations/web-site';
import { complaintsOf, startChromium } from 'wsproxy-test-support/programs/chromium';
import { startFarEnd, startListening, startRelay, urlOf } from 'wsproxy-test-support/programs/listening';
import { skipUnlessInstalled } from 'wsproxy-test-support/programs/skip-unless-installed';
import { freePort, listenOn } from 'wsproxy-test-support/sockets/listen';
import { temporaryFolder } from 'wsproxy-test-support/temporary-folder';
import { until } from 'wsproxy-test-support/until';

const NAMES = ['one.test', 'two.test'] as const;
const REQUESTS = 1_000;

/** A server with a port for names, and two clients, each of which has a name and what is behind it. */
async function startNames(forwardsOf: (name: string) => readonly string[]) {
  const port = await freePort();
  const rules = ['http:*.test', 'tls:*.test'].flatMap((rule) => ['--allow-listen', rule]);
  const farEnd = await startFarEnd(['--reverse-http', `127.0.0.1:${port}`, ...rules]);
  const relays = [farEnd.relay, await startRelay(farEnd.server)];
  await Promise.all(NAMES.map((name, n) => startListening(urlOf(relays[n] ?? farEnd.relay), forwardsOf(name))));
  const cut = () => {
    for (const [n, relay] of relays.entries()) relay.cut(n === 0 ? 'reset' : 'end');
  };
  return { port, cut };
}

describe('one port for the names of two clients', () => {
  test(`answers ${REQUESTS} requests at once, each by the one who has its name`, async () => {
    const services = new Map<string, number>();
    for (const name of NAMES) {
      const serve = createServer((request, response) => {
        void text(request).then((body) => response.end(`${name} ${request.headers.host} ${request.url} ${body}`));
      });
      services.set(name, (await listenOn(serve)).port);
    }
    const { port } = await startNames((name) => [`http:${name}:127.0.0.1:${services.get(name)}`]);
    const answers = await Promise.all(
      Array.from({ length: REQUESTS }, async (_, n) => {
        const name = NAMES[n % 2] ?? '';
        const request = get({ port, host: '127.0.0.1', agent: false, path: `/${n}`, headers: { host: name } });
        const [response]: IncomingMessage[] = (await once(request, 'response')) as never;
        return [response?.statusCode, await text(response as IncomingMessage)];
      }),
    );
    expect(answers).toEqual(answers.map((_, n) => [200, `${NAMES[n % 2]} ${NAMES[n % 2]} /${n} `]));
  });

  describe('in Chromium', () => {
    for (const program of ['chromium', 'openssl']) skipUnlessInstalled(program);

    test('has pages, event streams and WebSockets, plain and in TLS, that go on through lost transports', async () => {
      const certificate = await makeCertificate(temporaryFolder(), NAMES.map((name) => `DNS:${name}`).join(), 1);
      const sites = new Map(
        await Promise.all(NAMES.map(async (name) => [name, await startWebSite(certificate)] as const)),
      );
      const { port, cut } = await startNames((name) => {
        const site = sites.get(name as (typeof NAMES)[number]);
        return [`http:${name}:127.0.0.1:${site?.port}`, `tls:${name}:127.0.0.1:${site?.tlsPort}`];
      });
      // Its pages open wss where they are told that the site has TLS: at the same port as all the rest.
      for (const site of sites.values()) Object.assign(site, { tlsPort: port });
      const browser = await startChromium('--host-resolver-rules=MAP *.test 127.0.0.1');
      const pages = await Promise.all(
        NAMES.map(async (name) => {
          const page = await browser.newPage();
          const complaints = complaintsOf(page);
          await page.goto(`http://${name}:${port}/`);
          return { page, complaints };
        }),
      );
      const counts = async (): Promise<number[]> => {
        const texts = pages.flatMap(({ page }) =>
          ['events', 'ws', 'wss'].map((id) => page.locator(`#${id}`).textContent()),
        );
        return (await Promise.all(texts)).map(Number);
      };
      let before = Array(6).fill(0);
      for (let cuts = 0; cuts <= 2; cuts += 1) {
        await until('all of them flow', async () => (await counts()).every((count, n) => count > before[n] + 5));
        before = await counts();
        if (cuts < 2) cut();
      }
      expect(pages.map(({ complaints }) => complaints)).toEqual([[], []]);
      expect([...sites.values()].map(({ streams, webSockets }) => [streams, webSockets])).toEqual([
        [1, 2],
        [1, 2],
      ]);
      await browser.close();
    });
  });
});
