// A UDP server: sends back each datagram that begins with 'e', and takes all others.
//   node datagram-destination.mjs ADDRESS [PORT]
import { createSocket } from 'node:dgram';
import { RECEIVE_BUFFER } from './bare-datagram-relay.mjs';

const ECHO = 'e'.charCodeAt(0);
const [host, port = '0'] = process.argv.slice(2);
const socket = createSocket({ type: 'udp4', recvBufferSize: RECEIVE_BUFFER }, (data, from) => {
  if (data[0] === ECHO) socket.send(data, from.port, from.address);
});
socket.bind(Number(port), host, () => {
  process.stderr.write(`${JSON.stringify({ msg: 'ready', listen: `${host}:${socket.address().port}` })}\n`);
});
