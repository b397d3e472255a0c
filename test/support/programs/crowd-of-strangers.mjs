// A crowd of strangers in a process of their own: node crowd-of-strangers.mjs KIND PORT COUNT [PATH] [tls]. At the end of its standard
// input it says how many connections it has made, and ends.
import { connect } from 'node:net';
import { connect as connectTls } from 'node:tls';

const [kind, port, count, path = '/', tls] = process.argv.slice(2);
const EXPECTING = `GET ${path} HTTP/1.1\r\nHost: localhost\r\nExpect: patience\r\n\r\n`;
const UPGRADE =
  `GET ${path} HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n` +
  'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Protocol: wsproxy.v1\r\n';

const HALF_PAIR =
  `POST ${path} HTTP/1.1\r\nHost: localhost\r\nWsproxy-Transport: ${'A'.repeat(22)};open\r\nTransfer-Encoding: chunked\r\n` +
  `Authorization: Bearer ${'x'.repeat(40)}\r\n\r\n`;

/** What each kind says at first, and then again and again. */
const KINDS = {
  silent: [''],
  expecting: [EXPECTING, EXPECTING],
  'slow-header': [`GET ${path} HTTP/1.1\r\nX-Slow: `, 'x'],
  'slow-body': [`POST ${path} HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100000\r\n\r\n`, 'x'],
  pipelined: [`${EXPECTING}${UPGRADE}\r\n`.repeat(20), EXPECTING],
  'wrong-token': [`${UPGRADE}Authorization: Bearer ${'x'.repeat(40)}\r\n\r\n`],
  'half-pair': [HALF_PAIR, '1\r\nx\r\n'],
  garbage: [Buffer.from('0501000516030100a5', 'hex')],
  'slow-handshake': [Buffer.from('16030100a5010000a10303', 'hex'), Buffer.of(0)],
};

let made = 0;
let isOver = false;
const open = new Set();

function come(onClose) {
  const [first, again] = KINDS[kind] ?? KINDS.silent;
  const socket =
    kind === 'idle-tls' || tls === 'tls'
      ? connectTls({ port: Number(port), host: '127.0.0.1', servername: 'localhost', rejectUnauthorized: false })
      : connect(Number(port), '127.0.0.1');
  made += 1;
  open.add(socket);
  if (first.length > 0) socket.write(first);
  const timer = again && setInterval(() => socket.write(again), 100);
  socket.on('error', () => {});
  socket.on('close', () => {
    clearInterval(timer);
    open.delete(socket);
    onClose?.();
  });
  socket.resume();
}

if (kind === 'thousand') {
  // So many a second, which stay until they are sent away.
  setInterval(() => {
    for (let i = 0; i < Number(count) / 50; i += 1) come();
  }, 20);
} else {
  // Those who say nothing come again at once, the others a thousand times a second together: it is not the machine's
  // processor that is tried here.
  const pause = KINDS[kind] === KINDS.silent ? 0 : Number(count);
  const comeAgain = () => isOver || come(() => setTimeout(comeAgain, pause));
  for (let i = 0; i < Number(count); i += 1) comeAgain();
}
process.stdout.write('here\n');
process.stdin.on('end', () => {
  isOver = true;
  for (const socket of open) socket.destroy();
  process.stdout.write(`${made} connections\n`, () => process.exit());
});
process.stdin.resume();
