// 1 GiB each way at once, while the WebSocket is killed 100 times:
//
//   node bench/resume.mjs [--mib 1024] [--kills 100] [--seed 1]
//
// Prints whether every byte arrived as it was sent, and how long the tunnel took to come back.
import { once } from 'node:events';
import { connect, createServer } from 'node:net';
import { pipeline } from 'node:stream/promises';
import { parseArgs } from 'node:util';
import { digestOf, keyedBytes } from './support/keyed-bytes.mjs';
import { socksConnect } from './support/socks-connect.mjs';
import { startTunnel } from './support/tunnel.mjs';

const { values } = parseArgs({
  options: {
    mib: { type: 'string', default: '1024' },
    kills: { type: 'string', default: '100' },
    seed: { type: 'string', default: '1' },
  },
});
const length = Number(values.mib) * 2 ** 20;
const kills = Number(values.kills);
const random = seeded(Number(values.seed));

/** Sends keyed bytes and at the same time takes what comes; its own digest follows as text. */
const destination = createServer({ allowHalfOpen: true }, (socket) => void serve(socket));
const uploads = [];
async function serve(socket) {
  uploads.push(digestOf(socket));
  await pipeline(keyedBytes('down', length), socket);
}

/** Between client and server: what can be cut. */
let cuts = 0;
const pairs = new Set();
function createRelay([host, port]) {
  return createServer((near) => {
    const far = connect({ host, port });
    pairs.add(near);
    for (const [socket, other] of [
      [near, far],
      [far, near],
    ]) {
      socket.on('error', () => other.destroy());
      socket.on('close', () => other.destroy());
    }
    near.on('close', () => pairs.delete(near));
    near.pipe(far).pipe(near);
  });
}

function cut() {
  for (const socket of pairs) {
    if (cuts % 2 === 0) socket.resetAndDestroy();
    else socket.destroy();
  }
  cuts += 1;
}

await once(destination.listen(0, '127.0.0.1'), 'listening');
const tunnel = await startTunnel({
  async via(server) {
    const relay = createRelay(server).listen(0, '127.0.0.1');
    await once(relay, 'listening');
    return ['127.0.0.1', relay.address().port];
  },
});
const socket = await socksConnect(tunnel.socks, ['127.0.0.1', destination.address().port]);
const start = performance.now();
const [, down] = await Promise.all([pipeline(keyedBytes('up', length), socket), digestOf(socket), killAll()]);
const up = await uploads[0];
const seconds = (performance.now() - start) / 1000;

const expected = { down: await digestOf(keyedBytes('down', length)), up: await digestOf(keyedBytes('up', length)) };
const times = timesToResume(tunnel.client.lines.map((line) => JSON.parse(line)));
console.table({
  kills: cuts,
  resumes: times.length,
  seconds: seconds.toFixed(1),
  'down: every byte as sent': down.sha256 === expected.down.sha256,
  'up: every byte as sent': up.sha256 === expected.up.sha256,
  'median ms to resume': times[Math.floor(times.length / 2)],
  'worst ms to resume': times.at(-1),
});
await tunnel.stop();
process.exit(down.sha256 === expected.down.sha256 && up.sha256 === expected.up.sha256 ? 0 : 1);

/** Kills the transport as often as asked, at random moments while it carries something. */
async function killAll() {
  while (cuts < kills && socket.bytesRead < length) {
    await new Promise((resolve) => setTimeout(resolve, 20 + random() * 140));
    if (pairs.size > 0) cut();
  }
}

/** From each loss that the client logged to the moment it was connected again, ms, sorted. */
function timesToResume(lines) {
  const found = [];
  let lostAt;
  for (const { msg, time } of lines) {
    if (msg === 'not connected to the server') lostAt ??= Date.parse(time);
    if (msg !== 'connected to the server' || lostAt === undefined) continue;
    found.push(Date.parse(time) - lostAt);
    lostAt = undefined;
  }
  return found.sort((a, b) => a - b);
}

/** A small generator of pseudo-random numbers (mulberry32), so that a run can be repeated. */
function seeded(seed) {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}
