// 999 channels at full speed, alone and beside one whose reader has stopped:
//
//   node bench/stopped-reader.mjs [--channels 1000] [--seconds 60]
//
// Prints what the 999 keep of their rate, and the memory of both ends.
import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { createDestination } from './support/destination.mjs';
import { residentBytes } from './support/processes.mjs';
import { socksConnect } from './support/socks-connect.mjs';
import { median } from './support/statistics.mjs';
import { startTunnel } from './support/tunnel.mjs';

const { values } = parseArgs({
  options: { channels: { type: 'string', default: '1000' }, seconds: { type: 'string', default: '60' } },
});
const RESPONSE = 65_536;
const channels = Number(values.channels);
const seconds = Number(values.seconds);

const destination = createDestination().listen(0, '127.0.0.1');
await once(destination, 'listening');
const target = ['127.0.0.1', destination.address().port];
const tunnel = await startTunnel();

let received = 0;
/** Asks for 64 KiB after 64 KiB: a thousand senders without an end would fill the kernel's memory, not the tunnel. */
function start(socket) {
  let missing = RESPONSE;
  socket.on('error', () => {});
  socket.on('data', (data) => {
    received += data.length;
    missing -= data.length;
    if (missing > 0) return;
    missing = RESPONSE;
    socket.write('r');
  });
  socket.resume();
  socket.write('r');
}

/** A download that nobody reads. */
async function startStopped() {
  const socket = await socksConnect(tunnel.socks, target);
  socket.on('error', () => {});
  socket.write('d');
  return socket;
}

const sockets = [];
// All of them open before the first one takes bytes.
for (let i = 1; i < channels; i++) sockets.push(await socksConnect(tunnel.socks, target));
for (const socket of sockets) start(socket);
const rates = { alone: [], beside: [] };
let peak = 0;
// Alternating, so that both meet the same machine: six stretches of each.
for (let i = 0; i < 6; i++) {
  rates.alone.push(await rateOver((seconds * 1000) / 6));
  const stopped = await startStopped();
  rates.beside.push(await rateOver((seconds * 1000) / 6));
  stopped.destroy();
}
console.table({
  channels,
  'MiB/s alone': median(rates.alone).toFixed(1),
  'MiB/s beside a stopped reader': median(rates.beside).toFixed(1),
  ratio: (median(rates.beside) / median(rates.alone)).toFixed(3),
  'peak MiB of both ends': Math.round(peak / 2 ** 20),
});
for (const socket of sockets) socket.destroy();
await tunnel.stop();
process.exit(0);

async function rateOver(milliseconds) {
  const before = received;
  const start = performance.now();
  await sleep(milliseconds);
  peak = Math.max(peak, residentBytes(tunnel.client.pid) + residentBytes(tunnel.server.pid));
  return (received - before) / 2 ** 20 / ((performance.now() - start) / 1000);
}
