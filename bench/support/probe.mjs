// Waits until a byte comes back through a SOCKS proxy; ends with 1, and what was wrong last, if none does in time.
//   node probe.mjs '{"via": [host, port], "target": [host, port], "within": 10000}'
import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { socksConnect } from './socks-connect.mjs';

/** What one try may take, and the time between two, ms. */
const PATIENCE = 2_000;
const PAUSE = 50;

const { via, target, within } = JSON.parse(process.argv[2]);

let problem = 'nothing comes back';
for (const start = performance.now(); performance.now() - start < within; await sleep(PAUSE)) {
  // A proxy that keeps silent leaves the try unsettled.
  const outcome = await Promise.race([echoThroughProxy(), sleep(PATIENCE, 'nothing comes back')]);
  if (outcome === undefined) process.exit(0);
  problem = outcome;
}
process.stderr.write(`${problem}\n`);
process.exit(1);

/** What is wrong, if anything. */
async function echoThroughProxy() {
  try {
    const socket = await socksConnect(via, target);
    const signal = AbortSignal.timeout(PATIENCE);
    const answered = once(socket, 'data', { signal });
    socket.resume();
    socket.write('ex');
    await answered;
    socket.destroy();
    return undefined;
  } catch (error) {
    return error.message;
  }
}
