// A server to which no client comes, and which sends messages to those at others, as one program:
//   node push-sender.mjs '{"store":"redis://...","cert":"...","clients":100,"rate":10,"seconds":60}'
// Begins at SIGUSR2. Says at the end how many messages it has sent.
import { createPushes, createServer } from 'wsproxy-server';
import { authenticate, limitsFor, nameOf } from './push-users.mjs';

const { store, cert, key, ca, clients, rate, seconds } = JSON.parse(process.argv[2]);
/** Between two turns, of which each sends to some of the clients, ms. */
const TURN = 10;
const SIZE = 100;
const say = (fields) => process.stderr.write(`${JSON.stringify(fields)}\n`);

const server = createServer({ authenticate, node: 'sender', limits: limitsFor(clients), accessLog: false });
const pushes = createPushes(server, { maxWaiting: 16 * 1_048_576 });
await server.listenInner({ tls: { cert, key, ca } });
await server.share({ store });

const users = Array.from({ length: clients }, (_, n) => nameOf(n));
let sent = 0;
let refused = 0;

/** With when, and which of those to this client it is. */
function send(user, number) {
  const message = Buffer.alloc(SIZE);
  message.writeBigUInt64BE(process.hrtime.bigint(), 0);
  message.writeUInt32BE(number, 8);
  pushes.send(user, 'bench', message).then(
    () => {
      sent += 1;
    },
    () => {
      refused += 1;
    },
  );
}

process.once('SIGUSR2', () => {
  const began = performance.now();
  /** Each client has as many as all others in the end. */
  const all = Math.floor(rate * seconds) * clients;
  let turned = 0;
  const timer = setInterval(() => {
    const due = Math.min(all, ((performance.now() - began) / 1_000) * rate * clients);
    for (; turned < due; turned++) send(users[turned % clients], Math.floor(turned / clients) + 1);
    if (turned < all) return;
    clearInterval(timer);
    setImmediate(() => say({ msg: 'sent', sent, refused, each: all / clients }));
  }, TURN);
});
say({ msg: 'ready' });
