// The least that a program can do with a connection: two sockets that write what the other one brings. What a socket
// costs in memory is measured with it.
//   node bare-sockets.mjs '{"to": [host, port]}'
import { connect, createServer } from 'node:net';

const {
  to: [host, port],
} = JSON.parse(process.argv[2]);
const onError = () => {};
const server = createServer({ allowHalfOpen: true, noDelay: true }, (near) => {
  const far = connect({ host, port, allowHalfOpen: true, noDelay: true });
  near.on('data', (data) => far.write(data));
  far.on('data', (data) => near.write(data));
  near.on('error', onError);
  far.on('error', onError);
});
server.listen(0, '127.0.0.1', () => {
  process.stderr.write(`${JSON.stringify({ msg: 'ready', listen: `127.0.0.1:${server.address().port}` })}\n`);
});
