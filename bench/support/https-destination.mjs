// A site for applications that speak HTTP over TLS, as a program: node https-destination.mjs CERTIFICATE KEY
// GET /N gives N bytes, POST takes what comes and answers 'ok' behind its end, a WebSocket gives back each of its messages.
import { readFileSync } from 'node:fs';
import { createServer } from 'node:https';
import { Readable } from 'node:stream';
import { WebSocketServer } from 'ws';

const [cert, key] = process.argv.slice(2).map((file) => readFileSync(file));
const site = createServer({ cert, key }, (request, response) => {
  response.on('error', () => {});
  if (request.method === 'POST') {
    request.on('end', () => response.end('ok')).resume();
    return;
  }
  const length = Number(request.url.slice(1));
  response.writeHead(200, { 'content-length': length, 'content-type': 'application/octet-stream' });
  Readable.from(pieces(length)).pipe(response);
});
site.on('tlsClientError', () => {});
const sockets = new WebSocketServer({ server: site, perMessageDeflate: false });
sockets.on('connection', (socket) => {
  socket.on('error', () => {});
  socket.on('message', (message) => socket.send(message));
});
site.listen(0, '127.0.0.1', () => {
  process.stderr.write(`${JSON.stringify({ msg: 'ready', listen: `127.0.0.1:${site.address().port}` })}\n`);
});

function* pieces(length) {
  const piece = Buffer.alloc(65_536, 'x');
  for (let left = length; left > 0; left -= piece.length) yield left < piece.length ? piece.subarray(0, left) : piece;
}
