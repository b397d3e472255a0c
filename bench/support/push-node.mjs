// A server of several that clients come to, as one program:
//   node push-node.mjs '{"name":"node-1","port":1,"inner":2,"store":"redis://...","cert":"...","clients":100,"cut":0.1,"minute":60}'
// Cuts a part of its connections each minute, and says how many.
import { createServer as createHttpServer } from 'node:http';
import { createServer } from 'wsproxy-server';
import { authenticate, limitsFor } from './push-users.mjs';

const { name, port, inner, store, cert, key, ca, clients, cut, minute } = JSON.parse(process.argv[2]);
const say = (fields) => process.stderr.write(`${JSON.stringify(fields)}\n`);
const HOST = '127.0.0.1';

const server = createServer({ authenticate, node: name, limits: limitsFor(clients), accessLog: false });
await server.listenInner({ host: HOST, port: inner, tls: { cert, key, ca } });
await server.share({ store, advertise: `${HOST}:${inner}` });

const sockets = new Set();
const front = createHttpServer().on('upgrade', (request, socket, head) => {
  sockets.add(socket);
  socket.once('close', () => sockets.delete(socket));
  server.handleUpgrade(request, socket, head);
});
front.listen({ host: HOST, port, backlog: 4_096 }, () => say({ msg: 'ready' }));

setInterval(() => {
  const chosen = [...sockets].filter(() => Math.random() < cut);
  for (const socket of chosen) socket.resetAndDestroy();
  say({ msg: 'cut', count: chosen.length });
}, minute * 1_000);
