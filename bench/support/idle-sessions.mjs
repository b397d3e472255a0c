// The clients' end of many idle sessions, as one program that its parent asks how they fare:
//   fork('idle-sessions.mjs', [JSON.stringify({ urls, heartbeat })])
// It is told how many sessions to have in all, and says `{ welcomes, words }` whenever something has changed.
import { setTimeout as sleep } from 'node:timers/promises';
import { createClient } from 'wsproxy-client';

/** What one client can have. */
const CONNECTIONS = 16;
/** Clients that begin at a time: the server lets strangers in one by one. */
const PARALLEL = 8;
const TELL_EVERY = 50;

const { urls, heartbeat } = JSON.parse(process.argv[2]);
const token = process.env.WSPROXY_TOKEN;
let [welcomes, told] = [0, 0];
/** What was said besides, with the reason, and how often. */
const words = {};
const say = ({ reason }, message) => {
  told += 1;
  if (message === 'connected to the server') welcomes += 1;
  else count(message, reason);
};
const count = (message, reason) => {
  const word = reason === undefined ? message : `${message}: ${reason.replaceAll(/\d+\.\d+\.\d+\.\d+(:\d+)?/g, '...')}`;
  words[word] = (words[word] ?? 0) + 1;
};
const logger = { trace() {}, debug() {}, info: say, warn: say, error: say };

let clients = 0;
let wanted = 0;
let said = -1;
process.on('message', ({ sessions }) => {
  wanted = sessions;
  void begin();
});
process.on('disconnect', () => process.exit());
setInterval(() => {
  if (said === told) return;
  said = told;
  process.send({ welcomes, words });
}, TELL_EVERY);

async function begin() {
  const beginning = Array.from({ length: PARALLEL }, async () => {
    while (clients * CONNECTIONS < wanted) {
      const url = urls[clients++ % urls.length];
      await createClient({ url, token, connections: CONNECTIONS, logger, ...(heartbeat && { heartbeat }) }).start();
      await sleep(0);
    }
  });
  await Promise.all(beginning);
}
