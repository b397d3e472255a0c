// `npm run screenshots`: the pictures of the status page in docs/, with traffic between made-up names that all lead to this
// machine. Needs Chromium, and takes two minutes; --seconds, --folder and --port 0 are for a shorter look elsewhere.
import type { Socket } from 'node:net';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { createClient } from 'wsproxy-client';
import { atEnd, endAll } from 'wsproxy-test-support/cleanup/at-end';
import { startChromium } from 'wsproxy-test-support/programs/chromium';
import { TOKEN } from 'wsproxy-test-support/programs/command-line';
import { askConnect, byConnect, bySocks5, readBytes, type Way } from 'wsproxy-test-support/sockets/application';
import { CuttingRelay } from 'wsproxy-test-support/sockets/cutting-relay';
import { listen } from 'wsproxy-test-support/sockets/listen';
import { startNameserver } from 'wsproxy-test-support/sockets/nameserver';
import { startServer } from 'wsproxy-test-support/tunnel';

const { values } = parseArgs({
  options: {
    folder: { type: 'string', default: fileURLToPath(new URL('../docs', import.meta.url)) },
    seconds: { type: 'string', default: '110' },
    port: { type: 'string', default: '1080' },
  },
});

const DESKTOP = { width: 1280, height: 800 };
/** In this order, of a tunnel that carries; the last one once its server has gone. */
const SHOTS = [
  { name: 'status-light', colorScheme: 'light', viewport: DESKTOP, fullPage: false },
  { name: 'status-dark', colorScheme: 'dark', viewport: { width: 390, height: 800 }, fullPage: true },
  { name: 'status-away', colorScheme: 'dark', viewport: DESKTOP, fullPage: false },
] as const;
const LAST = SHOTS.length - 1;

/** What goes to and comes from each destination, bytes a second, and which way it comes. */
const TRAFFIC: readonly { readonly name: string; readonly down: number; readonly up: number; readonly by: Way }[] = [
  { name: 'mail.example.com', down: 0, up: 0, by: byConnect },
  { name: 'mirror.example.org', down: 2_400_000, up: 1_000, by: byConnect },
  { name: 'video.example.net', down: 900_000, up: 3_000, by: bySocks5 },
  { name: 'docs.example.com', down: 0, up: 0, by: byConnect },
  { name: 'backup.example.org', down: 2_000, up: 700_000, by: bySocks5 },
  { name: 'chat.example.com', down: 900, up: 400, by: byConnect },
  { name: 'news.example.net', down: 0, up: 0, by: byConnect },
];
const LONGEST_NAME = 20;
/** Between two pieces of traffic, ms. */
const INTERVAL = 200;
const SERVER = 'proxy.example.org';
/** Of the destinations, unless the system is to choose all ports. */
const HTTPS = 8443;

try {
  await takeShots(values.folder, Number(values.seconds) * 1_000, Number(values.port));
} finally {
  await endAll();
}
process.exit();

/** Fills the chart for so long, ms, and takes the pictures. */
async function takeShots(folder: string, watched: number, port: number): Promise<void> {
  const isFixed = port !== 0;
  const destination = await listen(
    (socket) => {
      socket.once('end', () => socket.end());
      void readBytes(socket, LONGEST_NAME).then((name) => {
        feed(socket, TRAFFIC.find((row) => row.name === name.toString().trim())?.down ?? 0);
      });
    },
    { port: isFixed ? HTTPS : 0 },
  );
  const nameserver = await startNameserver(() => ({ records: [{ value: '127.0.0.1' }] }));
  const { server, port: serverPort } = await startServer({ egress: { nameservers: [nameserver.address] } });
  const relay = await new CuttingRelay(serverPort).start();
  const url = `ws://${SERVER}:${relay.port}/`;
  const client = createClient({ url, token: TOKEN, resolve: [`${SERVER}:${relay.port}:127.0.0.1`], insecure: true });
  atEnd(() => client.close());
  const { address: status } = await client.serveStatus({ port: isFixed ? port + 1 : 0 });
  await client.start();
  const { address: proxy } = await client.listen({ port });

  const browser = await startChromium();
  const pages = await Promise.all(
    SHOTS.map(async ({ colorScheme, viewport }) => {
      const page = await browser.newPage();
      await page.emulateMedia({ colorScheme });
      await page.setViewportSize(viewport);
      await page.goto(`http://127.0.0.1:${status.port}/`);
      return page;
    }),
  );
  const shoot = async (index: number): Promise<void> => {
    const { name, fullPage } = SHOTS[index] ?? SHOTS[0];
    await pages[index]?.bringToFront();
    await pages[index]?.screenshot({ path: join(folder, `${name}.png`), fullPage });
  };
  for (const { name, up, by } of TRAFFIC) {
    await pause(watched / 14);
    const socket = await by(proxy.port, name, destination.port);
    socket.write(name.padEnd(LONGEST_NAME));
    feed(socket, up);
    await visit(proxy.port, destination.port, name.replace(/^[a-z]+/, 'www'));
  }
  for (let n = 0; n < 2; n++) {
    relay.cut('reset');
    await pause(watched / 4);
  }
  for (let i = 0; i < LAST; i++) await shoot(i);
  await server.close();
  await pause(watched / 8);
  await shoot(LAST);
}

/** A connection that is soon over, and one that leads nowhere. */
async function visit(proxy: number, to: number, name: string): Promise<void> {
  const socket = await byConnect(proxy, name, to);
  socket.end(Buffer.alloc(20_000 + Math.random() * 2_000_000));
  if (!name.endsWith('.net')) return;
  const [, refused] = await askConnect(proxy, 'old.example.net', 1);
  refused.destroy();
}

/** Not evenly, as nothing in a network comes. */
function feed(socket: Socket, rate: number): void {
  socket.resume();
  const timer = setInterval(() => {
    if (rate === 0) return;
    const swing = 0.75 + 0.25 * Math.sin(performance.now() / 9_000) + (Math.random() - 0.5) / 4;
    socket.write(Buffer.alloc(Math.ceil(((rate * INTERVAL) / 1_000) * swing)));
  }, INTERVAL);
  socket.once('close', () => clearInterval(timer));
}
