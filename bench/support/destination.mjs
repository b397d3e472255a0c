// A TCP server that gives, takes or echoes, as the first byte of a connection asks:
//   'd' sends bytes until the peer goes, 'u' takes bytes and tells every 100 ms how many, 'e' echoes, 'o' sends an
//   object of 10 KiB and ends, 'r' sends 64 KiB for that and for every byte that follows, 'b' and two u64 send and take as
//   many bytes as these say, and send one more when all were taken.
// As a program: node destination.mjs ADDRESS PORT [RELAY_PORT], with a bare relay to it on the second port.
import { createServer } from 'node:net';
import { createBareRelay } from './bare-relay.mjs';

const chunk = Buffer.alloc(65_536, 'x');
/** 'b' and two u64. */
const EXCHANGE = 17;

export function createDestination() {
  return createServer({ allowHalfOpen: true, noDelay: true }, (socket) => {
    socket.on('error', () => {});
    socket.once('data', (first) => {
      const mode = String.fromCharCode(first[0]);
      const rest = first.subarray(1);
      if (mode === 'd') give(socket);
      else if (mode === 'u') take(socket, rest);
      else if (mode === 'o') socket.end(chunk.subarray(0, 10_240));
      else if (mode === 'b') exchange(socket, first);
      else if (mode === 'r') respond(socket);
      else echo(socket, rest);
    });
  });
}

function give(socket) {
  const fill = () => {
    while (!socket.destroyed && socket.write(chunk));
  };
  socket.on('drain', fill);
  socket.on('end', () => socket.end());
  socket.resume();
  fill();
}

function take(socket, first) {
  let total = first.length;
  const report = Buffer.alloc(8);
  const timer = setInterval(() => {
    report.writeBigUInt64BE(BigInt(total));
    socket.write(Buffer.from(report));
  }, 100);
  socket.on('close', () => clearInterval(timer));
  socket.on('data', (data) => {
    total += data.length;
  });
  socket.on('end', () => socket.end());
}

function respond(socket) {
  socket.write(chunk);
  socket.on('data', (requests) => {
    for (let i = 0; i < requests.length; i++) socket.write(chunk);
  });
  socket.on('end', () => socket.end());
}

function echo(socket, first) {
  if (first.length > 0) socket.write(first);
  socket.on('data', (data) => socket.write(data));
  socket.on('end', () => socket.end());
}

function exchange(socket, first) {
  if (first.length < EXCHANGE) {
    socket.once('data', (data) => exchange(socket, Buffer.concat([first, data])));
    return;
  }
  send(socket, Number(first.readBigUInt64BE(1)));
  let missing = Number(first.readBigUInt64BE(9));
  const take = (length) => {
    const before = missing;
    missing -= length;
    if (before > 0 && missing <= 0) socket.write('.');
  };
  socket.on('data', (data) => take(data.length));
  socket.on('end', () => socket.end());
  take(first.length - EXCHANGE);
}

/** Sends `length` bytes as fast as they are taken. */
export function send(socket, length) {
  let left = length;
  const fill = () => {
    while (left > 0) {
      const piece = left < chunk.length ? chunk.subarray(0, left) : chunk;
      left -= piece.length;
      if (!socket.write(piece)) return;
    }
    socket.off('drain', fill);
  };
  socket.on('drain', fill);
  fill();
}

if (process.argv[1] === new URL(import.meta.url).pathname) {
  const [host, port, relayPort] = process.argv.slice(2);
  const ready = () => process.stderr.write('ready\n');
  createDestination().listen(Number(port), host, () => {
    if (relayPort === undefined) ready();
    else createBareRelay({ to: [host, Number(port)] }).listen(Number(relayPort), host, ready);
  });
}
