// The application's side of a measurement, as a program of its own, so that it can run on another host:
//   node measure.mjs '{"via": null | [host, port], "target": [host, port], "bulk": "up" | "down" | "both" | null, "channels": 1,
//                      "seconds": 10, "echo": true}'
//   `idle` connections are opened first, and stay silent.
//   node measure.mjs '{"via": ..., "target": ..., "page": 60, "parallel": 6}'
//   node measure.mjs '{"via": ..., "target": ..., "turn": 60000000}'
// Prints one line of JSON: bulk bytes over time (`back` what goes up meanwhile with "both") and every echo's round trip, or how long the page took, ms;
// with "turn" how long as many bytes took down, and then up on the same connection.
import { once } from 'node:events';
import { connect } from 'node:net';
import { send } from './destination.mjs';
import { socksConnect } from './socks-connect.mjs';

/** What the destination sends for an 'o', bytes. */
const OBJECT = 10_240;

const options = JSON.parse(process.argv[2]);
const {
  via,
  target,
  bulk = null,
  channels = 1,
  seconds,
  echo = false,
  page = 0,
  parallel = 6,
  idle = 0,
  turn = 0,
} = options;
const start = performance.now();

async function open(mode, onData) {
  const socket = via === null ? connect(target[1], target[0]) : await socksConnect(via, target);
  socket.setNoDelay(true);
  socket.on('error', (error) => {
    process.stderr.write(`${mode}: ${error.message}\n`);
    process.exit(1);
  });
  if (via === null) await once(socket, 'connect');
  socket.on('data', onData);
  socket.resume();
  socket.write(mode);
  return socket;
}

const totals = new Array(channels).fill(0);
const timeline = [];
/** What goes up while `bulk` is both, and its timeline. */
const upTotals = [0];
const back = [];
const echoes = [];

async function runBulk(index, way = bulk, sums = totals) {
  if (way === 'down') {
    await open('d', (data) => {
      sums[index] += data.length;
    });
    return;
  }
  const chunk = Buffer.alloc(65_536, 'y');
  let report = Buffer.alloc(0);
  const socket = await open('u', (data) => {
    report = Buffer.concat([report, data]);
    while (report.length >= 8) {
      sums[index] = Number(report.readBigUInt64BE());
      report = report.subarray(8);
    }
  });
  const fill = () => {
    while (socket.write(chunk));
  };
  socket.on('drain', fill);
  fill();
}

async function runEcho() {
  let sentAt = 0;
  let waiting = 0;
  const message = Buffer.alloc(64, 'e');
  const socket = await open('e', (data) => {
    waiting -= data.length;
    if (waiting > 0) return;
    echoes.push(performance.now() - sentAt);
    waiting = 0;
  });
  setInterval(() => {
    if (waiting > 0) return;
    waiting = message.length;
    sentAt = performance.now();
    socket.write(message);
  }, 50);
}

/** Fetches `count` objects, `parallel` at a time, each on a connection of its own. */
async function runPage(count) {
  let next = 0;
  const fetchObject = async () => {
    let missing = OBJECT;
    let onWhole = () => {};
    const isWhole = new Promise((resolve) => {
      onWhole = resolve;
    });
    const socket = await open('o', (data) => {
      missing -= data.length;
      if (missing <= 0) onWhole();
    });
    // As with HTTP, the length says when it is whole: some tunnels pass an end on only once both sides have ended.
    await isWhole;
    socket.end();
    if (missing < 0) throw new Error(`an object of ${OBJECT - missing} bytes`);
  };
  const fetchInTurn = async () => {
    while (next++ < count) await fetchObject();
  };
  await Promise.all(Array.from({ length: parallel }, fetchInTurn));
  finish();
}

/** `bytes` down, then up on the same connection. */
async function runTurn(bytes) {
  let missing = bytes;
  let onLast = () => {};
  const last = () => {
    return new Promise((resolve) => {
      onLast = resolve;
    });
  };
  const isDown = last();
  const request = Buffer.alloc(16);
  request.writeBigUInt64BE(BigInt(bytes), 0);
  request.writeBigUInt64BE(BigInt(bytes), 8);
  const socket = await open('b', (data) => {
    missing -= data.length;
    if (missing === 0) onLast();
  });
  const begin = performance.now();
  socket.write(request);
  await isDown;
  const middle = performance.now();
  // One byte comes once all have arrived there.
  missing = 1;
  const isUp = last();
  send(socket, bytes);
  await isUp;
  finish({ first: middle - begin, second: performance.now() - middle });
}

function finish(found = { elapsed: performance.now() - start, timeline, back, echoes }) {
  console.log(JSON.stringify(found));
  process.exit(0);
}

function runFor(duration) {
  if (bulk === 'both') {
    void runBulk(0, 'down');
    void runBulk(0, 'up', upTotals);
  } else if (bulk !== null) for (let i = 0; i < channels; i++) void runBulk(i);
  if (echo) void runEcho();
  setInterval(() => {
    timeline.push(totals.reduce((sum, n) => sum + n, 0));
    back.push(upTotals[0]);
  }, 100);
  setTimeout(finish, duration * 1000);
}

/** Opens connections that say a byte and hear it, 200 at a time; the first byte only says what the connection is. */
async function openIdle() {
  let left = idle;
  const openSome = async () => {
    while (left-- > 0) {
      let onAnswer = () => {};
      const answered = new Promise((resolve) => {
        onAnswer = resolve;
      });
      const socket = await open('e', onAnswer);
      socket.write('x');
      await answered;
    }
  };
  await Promise.all(Array.from({ length: 200 }, openSome));
}

if (idle > 0) await openIdle();
if (turn > 0) await runTurn(turn);
else if (page > 0) await runPage(page);
else runFor(seconds);
