// A server that sends messages to all of its clients, as one program:
//   node push-server.mjs '{"clients":2000,"rate":20,"seconds":10,"numbered":true}'
// Says where it listens, then how many messages it has sent, and how much CPU that took.
import { createPushes, createServer } from 'wsproxy-server';

const { clients, rate, seconds, numbered } = JSON.parse(process.argv[2]);
/** Between two turns, of which each sends to some of the clients, ms. */
const TURN = 10;
const WARM_UP = 3;
const say = (fields) => process.stderr.write(`${JSON.stringify(fields)}\n`);

const server = createServer({
  authenticate: ({ headers }) => ({ id: headers.authorization.slice('Bearer a-token-that-is-long-enough-of-'.length) }),
  limits: { sessions: clients, channels: clients + 1_000 },
  accessLog: false,
});
const pushes = createPushes(server);
const users = Array.from({ length: clients }, (_, n) => `user-${n}`);
const streams = new Map();
let sent = 0;
let refused = 0;

async function begin() {
  if (!numbered) {
    for (const user of users) streams.set(user, (await server.open(user, 'push/bench')).on('error', () => {}).resume());
  }
  setTimeout(run, WARM_UP * 1_000);
  turns();
}

/** Evenly: each client has had a message before the first has its next. */
function turns() {
  const began = performance.now();
  let turned = 0;
  const timer = setInterval(() => {
    const due = ((performance.now() - began) / 1_000) * rate * clients;
    for (; turned < due; turned++) send(users[turned % clients]);
    if (performance.now() - began < (WARM_UP + seconds + 2) * 1_000) return;
    clearInterval(timer);
    say({ msg: 'ended' });
  }, TURN);
}

function send(user) {
  const message = Buffer.allocUnsafe(100).fill(0);
  message.writeBigUInt64BE(process.hrtime.bigint(), 0);
  if (numbered) pushes.send(user, 'bench', message).then(onSent, onRefused);
  else if (streams.get(user).writableNeedDrain) onRefused();
  else onSent(streams.get(user).write(message));
}

function onSent() {
  sent += 1;
}

function onRefused() {
  refused += 1;
}

function run() {
  const before = { sent, refused, cpu: process.cpuUsage() };
  setTimeout(() => {
    const { user, system } = process.cpuUsage(before.cpu);
    const cpu = (user + system) / 1e6 / seconds;
    say({
      msg: 'sent',
      sent: sent - before.sent,
      refused: refused - before.refused,
      cpu,
      rss: process.memoryUsage.rss(),
    });
  }, seconds * 1_000);
}

let there = 0;
server.observe({
  onSession: (event) => {
    if (event === 'began') there += 1;
    if (event === 'began' && there === clients) void begin();
  },
});
const { port } = await server.listen({ port: 0 });
say({ msg: 'ready', port });
