import { connect } from 'node:net';
import { atEnd } from '../cleanup/at-end.js';
import { Program } from '../programs/program.js';
import { until } from '../until.js';

/** Listens with room for one connection, then stops itself before it could accept any. */
const SCRIPT = `
const server = require('node:net').createServer();
server.listen({ port: 0, host: '127.0.0.1', backlog: 1 }, () => {
  process.stderr.write('port ' + server.address().port + '\\n', () => process.kill(process.pid, 'SIGSTOP'));
});`;
const ENOUGH_TO_FILL = 8;

/** A port that answers nothing to a connection attempt: as a host behind a firewall that drops packets does. */
export async function startUnresponsive(): Promise<number> {
  const program = new Program(process.execPath, ['-e', SCRIPT]);
  const port = Number(await program.untilStderr(/port (\d+)/));
  // The system completes connections until the queue of those to be accepted is full, and then drops the packets.
  const fillers = Array.from({ length: ENOUGH_TO_FILL }, () => connect({ port, host: '127.0.0.1' }));
  atEnd(() => {
    for (const socket of fillers) socket.destroy();
  });
  for (const socket of fillers) socket.on('error', () => {});
  await until('the queue is full', () => fillers.filter((socket) => !socket.connecting).length >= 2);
  return port;
}
