// As bare-relay.mjs, but each socket is read into memory of its own, again and again, in place of what Node allocates for
// each read. A piece is written before the next is read.
//   node reuse-relay.mjs '{"to": [host, port]}'
import { connect, createServer } from 'node:net';
import { readInto } from '../../packages/node/dist/internals/undocumented.js';

const READ = 262_144;
const COMMON = { allowHalfOpen: true, noDelay: true };

const {
  to: [host, port],
} = JSON.parse(process.argv[2]);

const server = createServer(COMMON, (near) => {
  const far = connect({ host, port, ...COMMON });
  forward(near, far);
  forward(far, near);
});
server.listen(0, '127.0.0.1', () => {
  process.stderr.write(`${JSON.stringify({ msg: 'ready', listen: `127.0.0.1:${server.address().port}` })}\n`);
});

function forward(from, to) {
  const buffer = Buffer.allocUnsafeSlow(READ);
  const goOn = () => {
    if (from.isPaused()) from.resume();
  };
  const isRead = readInto(from, {
    next: buffer,
    onRead(length) {
      to.write(buffer.subarray(0, length), goOn);
      if (to.writableLength > 0) from.pause();
    },
  });
  if (!isRead) throw new Error(`Node ${process.version} does not read into memory of a program`);
  from.on('end', () => to.end());
  from.on('error', () => to.destroy());
  from.resume();
}
