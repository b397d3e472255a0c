// A TCP server that gives, takes or echoes, as the first byte of a connection asks:
//   'd' sends bytes until the peer goes, 'u' takes bytes and tells every 100 ms how many, 'e' echoes, 'o' sends an
//   object of 10 KiB and ends, 'r' sends 64 KiB for that and for every byte that follows.
// As a program: node destination.mjs ADDRESS PORT RELAY_PORT, with a bare relay to it on the second port.
import { connect, createServer } from 'node:net';

const chunk = Buffer.alloc(65_536, 'x');

export function createDestination() {
  return createServer({ allowHalfOpen: true, noDelay: true }, (socket) => {
    socket.on('error', () => {});
    socket.once('data', (first) => {
      const mode = String.fromCharCode(first[0]);
      const rest = first.subarray(1);
      if (mode === 'd') give(socket);
      else if (mode === 'u') take(socket, rest);
      else if (mode === 'o') socket.end(chunk.subarray(0, 10_240));
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

/** What a tunnel is measured against: two sockets, joined. */
export function createBareRelay(host, port) {
  return createServer({ allowHalfOpen: true, noDelay: true }, (near) => {
    const far = connect({ host, port, allowHalfOpen: true, noDelay: true });
    near.on('error', () => far.destroy());
    far.on('error', () => near.destroy());
    near.pipe(far).pipe(near);
  });
}

if (process.argv[1] === new URL(import.meta.url).pathname) {
  const [host, port, relayPort] = process.argv.slice(2);
  createDestination().listen(Number(port), host, () => {
    createBareRelay(host, Number(port)).listen(Number(relayPort), host, () => process.stderr.write('ready\n'));
  });
}
