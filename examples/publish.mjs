// A web server of this program that answers at a port of the server, which needs --reverse. It needs no port here, and is
// there again by itself when the connection was lost.
//
//   WSPROXY_TOKEN=... node publish.mjs wss://proxy.example.org/tunnel 8000
import { createServer } from 'node:http';
import { createClient } from 'wsproxy-client';

const [url, port] = process.argv.slice(2);
const client = createClient({ url, token: process.env.WSPROXY_TOKEN });
const web = createServer((request, response) => response.end(`hello, ${request.socket.remoteAddress}\n`));

// HTTP keeps half-closes: anyone who has sent its request still gets the answer.
const server = client.listenRemote({ port: Number(port), allowHalfOpen: true });
server.on('connection', (socket) => web.emit('connection', socket));
server.on('listening', () => {
  const { address, port: chosen } = server.address();
  console.log(`the server listens on ${address} port ${chosen}`);
});
// A TunnelError says by its code why: UNSUPPORTED, DENIED, ADDRESS_IN_USE, ...
server.on('error', ({ message }) => {
  console.error(message);
  process.exitCode = 1;
  void client.close();
});
process.once('SIGTERM', () => void client.close());
