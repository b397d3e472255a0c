// An application that speaks HTTP over TLS: it is asked and answers as application.mjs. `open` says how it connects to `target`
// (see ways.mjs), `pids` whose CPU counts.
import { once } from 'node:events';
import { Agent, request } from 'node:https';
import { connect } from 'node:tls';
import WebSocket from 'ws';
import { answerTasks, timed } from './answer-tasks.mjs';
import { send } from './destination.mjs';
import { socksConnect } from './socks-connect.mjs';

/** WebSocket messages that are under way at a time, and the bytes of each. */
const IN_FLIGHT = 32;
const MESSAGE = Buffer.alloc(128, 'm');
const held = [];

answerTasks({
  /** Takes `bytes` by one request. */
  async down({ open, target, bytes, pids }) {
    const agent = agentOf(open, target);
    await ask(agent, { path: '/1' });
    const measured = await timed(pids, () => ask(agent, { path: `/${bytes}` }));
    agent.destroy();
    return measured;
  },

  /** Sends `bytes` by one request. */
  async up({ open, target, bytes, pids }) {
    const agent = agentOf(open, target);
    await ask(agent, { path: '/1' });
    const measured = await timed(pids, () => ask(agent, { method: 'POST' }, bytes));
    agent.destroy();
    return measured;
  },

  /** `count` requests on `parallel` connections that stay. */
  async requests({ open, target, count, parallel, pids }) {
    const agent = agentOf(open, target, parallel);
    const inTurn = async (each) => {
      for (let n = 0; n < each; n++) await ask(agent, { path: '/1024' });
    };
    const all = (each) => Promise.all(Array.from({ length: parallel }, () => inTurn(each)));
    await all(1);
    const measured = await timed(pids, () => all(count / parallel));
    agent.destroy();
    return measured;
  },

  /** `count` messages on a WebSocket, each given back. */
  async messages({ open, target, count, pids }) {
    const stream = await openOne(open, target);
    const socket = new WebSocket(`wss://localhost:${target[1]}/`, {
      createConnection: () => stream,
      perMessageDeflate: false,
    });
    await once(socket, 'open');
    const measured = await timed(pids, () => {
      return new Promise((resolve) => {
        let [sent, had] = [0, 0];
        const sendOne = () => {
          if (sent++ < count) socket.send(MESSAGE);
        };
        socket.on('message', () => {
          if (++had === count) resolve();
          else sendOne();
        });
        for (let n = 0; n < IN_FLIGHT; n++) sendOne();
      });
    });
    socket.terminate();
    return measured;
  },

  /** Opens connections, `parallel` at a time, until `count` are held, each of which has had an answer. */
  async hold({ open, target, count, parallel, pids }) {
    const openInTurn = async () => {
      while (count-- > 0) {
        const agent = agentOf(open, target);
        held.push(agent);
        await ask(agent, { path: '/1' });
      }
    };
    return timed(pids, () => Promise.all(Array.from({ length: parallel }, openInTurn)));
  },

  /** Asks for `bytes` on `count` connections, and reads none of them. */
  async stop({ open, target, count, bytes }) {
    for (let n = 0; n < count; n++) {
      const socket = await openOne(open, target);
      socket.write(`GET /${bytes} HTTP/1.1\r\nHost: localhost\r\n\r\n`);
      held.push(socket.pause());
    }
    return {};
  },

  async release() {
    for (const one of held.splice(0)) one.destroy();
    return {};
  },
});

function agentOf(open, target, maxSockets = 1) {
  const agent = new Agent({ keepAlive: true, maxSockets });
  agent.createConnection = (_options, done) => {
    void openOne(open, target).then((socket) => done(null, socket), done);
  };
  return agent;
}

async function openOne({ address, socks }, target) {
  const [host, port] = address;
  const way = socks ? { socket: await socksConnect(address, target) } : { host, port };
  const socket = connect({ ...way, servername: 'localhost', rejectUnauthorized: false });
  socket.on('error', () => {});
  await once(socket, 'secureConnect');
  return socket;
}

/** Resolves once the answer is whole. */
function ask(agent, options, length = 0) {
  return new Promise((resolve, reject) => {
    const headers = { host: 'localhost', 'content-length': length };
    const outgoing = request({ host: 'localhost', agent, headers, ...options }, (response) => {
      if (response.statusCode !== 200) reject(new Error(`the answer is ${response.statusCode}`));
      response.on('error', reject).on('end', resolve).resume();
    });
    outgoing.on('error', reject);
    if (length > 0) send(outgoing, length);
    else outgoing.end();
  });
}
