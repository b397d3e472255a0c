// `npm run screenshots`: the pictures of the status page in docs/, with traffic between made-up names that all lead to this
// machine. Needs Chromium, and takes two minutes; --seconds, --folder and --port 0 are for a shorter look elsewhere.
import type { Socket } from 'node:net';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { endAll } from 'wsproxy-test-support/cleanup/at-end';
import { startChromium } from 'wsproxy-test-support/programs/chromium';
import { byConnect, readBytes } from 'wsproxy-test-support/sockets/application';
import { CuttingRelay } from 'wsproxy-test-support/sockets/cutting-relay';
import { listen } from 'wsproxy-test-support/sockets/listen';
import { startNameserver } from 'wsproxy-test-support/sockets/nameserver';
import { startTunnel } from 'wsproxy-test-support/tunnel';

const { values } = parseArgs({
  options: {
    folder: { type: 'string', default: fileURLToPath(new URL('../docs', import.meta.url)) },
    seconds: { type: 'string', default: '110' },
    port: { type: 'string', default: '1080' },
  },
});

const SHOTS = [
  { name: 'status-light', colorScheme: 'light', viewport: { width: 960, height: 700 } },
  { name: 'status-dark', colorScheme: 'dark', viewport: { width: 390, height: 800 } },
] as const;

/** What goes to and comes from each destination, bytes a second. */
const TRAFFIC = [
  { name: 'mirror.example.org', down: 2_400_000, up: 1_000 },
  { name: 'video.example.net', down: 900_000, up: 3_000 },
  { name: 'backup.example.org', down: 2_000, up: 700_000 },
  { name: 'chat.example.com', down: 900, up: 400 },
  { name: 'git.example.org', down: 60, up: 20 },
] as const;
const LONGEST_NAME = 20;
/** Between two pieces of traffic, ms. */
const INTERVAL = 200;

try {
  await takeShots(values.folder, Number(values.seconds) * 1_000, Number(values.port));
} finally {
  await endAll();
}
process.exit();

/** Fills the chart for so long, ms, and takes a picture for each of the colour schemes. */
async function takeShots(folder: string, watched: number, port: number): Promise<void> {
  const destination = await listen((socket) => {
    void readBytes(socket, LONGEST_NAME).then((name) => {
      feed(socket, TRAFFIC.find((row) => row.name === name.toString().trim())?.down ?? 0);
    });
  });
  const nameserver = await startNameserver(() => ({ records: [{ value: '127.0.0.1' }] }));
  const relays: CuttingRelay[] = [];
  const { client } = await startTunnel({
    server: { egress: { nameservers: [nameserver.address] } },
    through: async (serverPort) => {
      const relay = await new CuttingRelay(serverPort).start();
      relays.push(relay);
      return relay.port;
    },
  });
  const { address: proxy } = await client.listen({ port });
  const { address: status } = await client.serveStatus({ port: port === 0 ? 0 : port + 1 });

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
  for (const { name, up } of TRAFFIC) {
    await pause(watched / 10);
    const socket = await byConnect(proxy.port, name, destination.port);
    socket.write(name.padEnd(LONGEST_NAME));
    feed(socket, up);
  }
  for (let n = 0; n < 2; n++) {
    for (const relay of relays) relay.cut('reset');
    await pause(watched / 4);
  }
  for (const [i, { name }] of SHOTS.entries()) {
    await pages[i]?.bringToFront();
    await pages[i]?.screenshot({ path: join(folder, `${name}.png`), fullPage: true });
  }
}

/** Not evenly, as nothing in a network comes. */
function feed(socket: Socket, rate: number): void {
  socket.resume();
  const timer = setInterval(() => {
    const swing = 0.75 + 0.25 * Math.sin(performance.now() / 9_000) + (Math.random() - 0.5) / 4;
    socket.write(Buffer.alloc(Math.ceil(((rate * INTERVAL) / 1_000) * swing)));
  }, INTERVAL);
  socket.once('close', () => clearInterval(timer));
}
