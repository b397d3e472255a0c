// An application that sends datagrams, as a program of its own:
//   node datagram-load.mjs '{"to": [host, port], "size": 1200, "window": 64, "count": 100000}'
//       sends each once an answer has made room for it
//   node datagram-load.mjs '{"to": [host, port], "size": 1200, "mbit": 1, "seconds": 10, "echo": true}'
//       sends at that rate; without `echo` nobody answers
// Prints one line of JSON: how many it has sent, how many were answered, in how many seconds, and with `mbit` the round trips in ms.
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { RECEIVE_BUFFER } from './bare-datagram-relay.mjs';

/** What does not come within that time is lost, ms. */
const PATIENCE = 1_000;
const { to, size, window, count, mbit, seconds, echo = true } = JSON.parse(process.argv[2]);
const [host, port] = to;
const socket = createSocket({ type: 'udp4', recvBufferSize: RECEIVE_BUFFER });
socket.on('error', () => {});
socket.connect(port, host);
await once(socket, 'connect');

const datagram = Buffer.alloc(size, echo ? 'e' : 's');
const times = [];
let sent = 0;
let answered = 0;
let lastAnswer = 0;

/** Datagrams say when they were sent, from the second byte on. */
function send() {
  datagram.writeDoubleBE(performance.now(), 1);
  socket.send(Buffer.from(datagram));
  sent += 1;
}

async function sendByWindow() {
  // Alone, until it is answered: a tunnel takes only so much before it has a socket at the far end.
  send();
  await once(socket, 'message');
  const done = new Promise((resolve) => {
    let written = 0;
    const fill = () => {
      while (sent < count && sent - answered - written < window) send();
      if (answered + written === count) resolve();
    };
    socket.on('message', () => fill());
    const timer = setInterval(() => {
      if (performance.now() - lastAnswer < PATIENCE) return;
      // What was under way is lost.
      written = sent - answered;
      if (sent === count) clearInterval(timer);
      fill();
    }, PATIENCE);
    timer.unref();
    fill();
  });
  await done;
}

async function sendByRate() {
  const each = (size * 8) / (mbit * 1_000);
  const begin = performance.now();
  for (;;) {
    const elapsed = performance.now() - begin;
    if (elapsed > seconds * 1_000) break;
    while (sent * each < elapsed) send();
    await sleep(1);
  }
  if (echo) await sleep(PATIENCE);
}

socket.on('message', (data) => {
  answered += 1;
  lastAnswer = performance.now();
  times.push(lastAnswer - data.readDoubleBE(1));
});
const begin = performance.now();
lastAnswer = begin;
await (window === undefined ? sendByRate() : sendByWindow());
// Of many under way at a time the round trips say nothing.
const found = { sent, answered, seconds: (performance.now() - begin) / 1_000, ...(window === undefined && { times }) };
process.stdout.write(`${JSON.stringify(found)}\n`, () => process.exit(0));
