// The application of a benchmark, as a process of its own: it is asked for one task after the other by messages, and
// answers each with what it measured. `open` says how it connects (see ways.mjs), `pids` whose CPU counts.
import { once } from 'node:events';
import { connect } from 'node:net';
import { answerTasks, timed } from './answer-tasks.mjs';
import { send } from './destination.mjs';
import { socksConnect } from './socks-connect.mjs';
import { wispConnect } from './wisp-connect.mjs';

const held = [];

answerTasks({
  /** Moves `down` and `up` bytes on each of `channels` connections at once, to the last byte. */
  async bulk({ open, target, channels, down, up, pids }) {
    const sockets = await openAll(open, target, channels);
    const measured = await timed(pids, () => Promise.all(sockets.map((socket) => exchange(socket, down, up))));
    for (const socket of sockets) socket.destroy();
    return measured;
  },

  /** Sends 64 bytes and waits for them, `count` times; the times in ms. */
  async echo({ open, target, count, pids }) {
    const socket = await openOne(open, target);
    socket.write('e');
    const message = Buffer.alloc(64, 'x');
    const times = [];
    const measured = await timed(pids, async () => {
      for (let i = 0; i < count; i++) {
        const start = performance.now();
        await ask(socket, message, message.length);
        times.push(performance.now() - start);
      }
    });
    socket.destroy();
    return { ...measured, times };
  },

  /** Opens `count` connections, `parallel` at a time, and closes each once it has carried a byte there and back. */
  async opens({ open, target, count, parallel, pids }) {
    let next = 0;
    const openInTurn = async () => {
      while (next++ < count) {
        const socket = await openOne(open, target);
        await ask(socket, 'ex', 1);
        socket.destroy();
      }
    };
    return timed(pids, () => Promise.all(Array.from({ length: parallel }, openInTurn)));
  },

  /** Opens connections until it holds `channels`, each of which has carried something. */
  async hold({ open, target, channels }) {
    while (held.length < channels) {
      const batch = await openAll(open, target, Math.min(100, channels - held.length));
      await Promise.all(batch.map((socket) => ask(socket, 'r', 65_536)));
      held.push(...batch);
    }
    return { held: held.length };
  },

  /** Asks for 64 KiB `count` times, 16 at a time, in turn on all the connections that are held. */
  async respond({ count, pids }) {
    let next = 0;
    const askInTurn = async (offset) => {
      for (let at = offset; next++ < count; at += 16) await ask(held[at % held.length], 'r', 65_536);
    };
    const lanes = Math.min(16, held.length);
    return timed(pids, () => Promise.all(Array.from({ length: lanes }, (_, i) => askInTurn(i))));
  },

  async release() {
    for (const socket of held.splice(0)) socket.destroy();
    return {};
  },
});

function openAll(open, target, count) {
  return Promise.all(Array.from({ length: count }, () => openOne(open, target)));
}

async function openOne({ address, socks, wisp }, target) {
  if (wisp !== undefined) return wispConnect(wisp, target);
  if (socks) return socksConnect(address, target);
  const socket = connect({ host: address[0], port: address[1], allowHalfOpen: true, noDelay: true });
  socket.on('error', () => {});
  await once(socket, 'connect');
  return socket;
}

async function exchange(socket, down, up) {
  const request = Buffer.alloc(17, 'b');
  request.writeBigUInt64BE(BigInt(down), 1);
  request.writeBigUInt64BE(BigInt(up), 9);
  const done = received(socket, down + (up > 0 ? 1 : 0));
  socket.write(request);
  if (up > 0) send(socket, up);
  await done;
}

function ask(socket, message, length) {
  const done = received(socket, length);
  socket.write(message);
  return done;
}

function received(socket, length) {
  return new Promise((resolve, reject) => {
    let missing = length;
    const end = () => reject(new Error(`the connection ended ${missing} bytes early`));
    const onData = (data) => {
      missing -= data.length;
      if (missing > 0) return;
      socket.off('data', onData);
      socket.off('close', end);
      resolve();
    };
    socket.on('data', onData);
    socket.once('close', end);
    socket.resume();
  });
}
