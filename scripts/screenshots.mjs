// `node scripts/screenshots.mjs`: the pictures of the status page in docs/, with traffic between made-up names that all
// lead to this machine. Needs Chromium, and takes two minutes.
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { connect, createServer } from 'node:net';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { chromium } from 'playwright';
import { root } from './steps.mjs';

const SHOTS = [
  { name: 'status-light', colorScheme: 'light', viewport: { width: 960, height: 700 } },
  { name: 'status-dark', colorScheme: 'dark', viewport: { width: 390, height: 800 } },
];
/** What goes to and comes from each destination, bytes a second. */
const TRAFFIC = [
  { name: 'mirror.example.org', down: 2_400_000, up: 1_000 },
  { name: 'video.example.net', down: 900_000, up: 3_000 },
  { name: 'backup.example.org', down: 2_000, up: 700_000 },
  { name: 'chat.example.com', down: 900, up: 400 },
  { name: 'git.example.org', down: 60, up: 20 },
];
const PORT = 8443;
const TOKEN = 'a-token-of-the-screenshots-0123456789';
/** For the chart to fill, ms, and between two pieces of traffic. */
const WATCHED = 110_000;
const INTERVAL = 200;

const { Client } = await import('../packages/client/dist/index.js');
const { createServer: createFarEnd } = await import('../packages/server/dist/index.js');

const nameserver = createSocket('udp4').on('message', (query, from) => nameserver.send(answer(query), from.port));
nameserver.bind(0, '127.0.0.1');
await once(nameserver, 'listening');
await listen(PORT, (socket) => {
  socket.once('data', (name) => feed(socket, TRAFFIC.find((row) => row.name === String(name))?.down ?? 0));
});

const egress = { nameservers: [`127.0.0.1:${nameserver.address().port}`] };
const server = createFarEnd({ token: TOKEN, allowPrivate: true, egress });
const { port: serverPort } = await server.listen({ port: 0 });
const cuts = new Set();
const relayPort = await listen(0, (near) => {
  const far = connect(serverPort, '127.0.0.1');
  for (const [from, to] of [
    [near, far],
    [far, near],
  ])
    from
      .on('error', () => {})
      .on('close', () => to.destroy())
      .pipe(to);
  cuts.add(near);
});
const client = new Client({ url: `ws://127.0.0.1:${relayPort}/`, token: TOKEN });
await client.connect();
const { address: proxy } = await client.listen({ port: 1080 });
const { address: page } = await client.serveStatus({ port: 1081 });

const browser = await chromium.launch({ executablePath: '/usr/bin/chromium', args: ['--no-sandbox', '--disable-gpu'] });
const pages = await Promise.all(SHOTS.map((shot) => browser.newPage(shot)));
await Promise.all(pages.map((each) => each.goto(`http://127.0.0.1:${page.port}/`)));
for (const row of TRAFFIC) {
  await pause(WATCHED / 10);
  await open(row);
}
for (let n = 0; n < 2; n++) {
  for (const socket of cuts) socket.destroy();
  await pause(WATCHED / 4);
}
await Promise.all(
  pages.map((each, i) => each.screenshot({ path: join(root, 'docs', `${SHOTS[i].name}.png`), fullPage: true })),
);
await browser.close();
process.exit();

async function open({ name, up }) {
  const socket = connect(proxy.port, '127.0.0.1').on('error', () => {});
  socket.write(`CONNECT ${name}:${PORT} HTTP/1.1\r\nHost: ${name}\r\n\r\n`);
  await once(socket, 'data');
  socket.write(name);
  await pause(INTERVAL);
  feed(socket, up);
}

/** Not evenly, as nothing in a network comes. */
function feed(socket, rate) {
  socket.on('error', () => {}).resume();
  setInterval(() => {
    const swing = 0.75 + 0.25 * Math.sin(performance.now() / 9_000) + (Math.random() - 0.5) / 4;
    socket.write(Buffer.alloc(Math.ceil(((rate * INTERVAL) / 1_000) * swing)));
  }, INTERVAL);
}

async function listen(port, onSocket) {
  const listener = createServer(onSocket).listen(port, '127.0.0.1');
  await once(listener, 'listening');
  return listener.address().port;
}

/** RFC 1035: every name has the address 127.0.0.1, and no other. */
function answer(query) {
  const end = query.indexOf(0, 12) + 5;
  const isA = query.readUInt16BE(end - 4) === 1;
  const head = Buffer.concat([query.subarray(0, 2), Buffer.of(0x81, 0x80, 0, 1, 0, isA ? 1 : 0, 0, 0, 0, 0)]);
  const record = Buffer.of(0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 0, 0, 4, 127, 0, 0, 1);
  return Buffer.concat([head, query.subarray(12, end), ...(isA ? [record] : [])]);
}
