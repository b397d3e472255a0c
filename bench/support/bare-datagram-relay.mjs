// What flows are measured against: a UDP socket for each local peer, connected to the destination, and nothing else.
//   node bare-datagram-relay.mjs HOST PORT
import { createSocket } from 'node:dgram';

/** For bursts. The system gives what it will. */
export const RECEIVE_BUFFER = 4 * 1024 * 1024;

export function createBareDatagramRelay(host, port) {
  const options = { type: 'udp4', recvBufferSize: RECEIVE_BUFFER };
  const peers = new Map();
  const local = createSocket(options, (data, { address, port: from }) => {
    const name = `${address}:${from}`;
    const known = peers.get(name);
    if (known !== undefined) return known(data);
    const far = createSocket(options, (answer) => local.send(answer, from, address));
    const waiting = [data];
    peers.set(name, (more) => waiting.push(more));
    far.connect(port, host, () => {
      for (const each of waiting) far.send(each);
      peers.set(name, (more) => far.send(more));
    });
  });
  return local;
}

if (process.argv[1] === new URL(import.meta.url).pathname) {
  const [host, port] = process.argv.slice(2);
  const local = createBareDatagramRelay(host, Number(port));
  local.bind(0, '127.0.0.1', () => {
    process.stderr.write(`${JSON.stringify({ msg: 'ready', listen: `127.0.0.1:${local.address().port}` })}\n`);
  });
}
