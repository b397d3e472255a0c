// The clients' end of many sessions, as one program, which the library makes easy:
//   node many-sessions.mjs SERVER_URL SESSIONS
import { createClient } from 'wsproxy-client';

/** What one client can have. */
const CONNECTIONS = 16;

const [url, sessions] = process.argv.slice(2);
const token = process.env.WSPROXY_TOKEN;
// A tunnel that carries nothing keeps no program awake.
setInterval(() => {}, 3_600_000);
let connected = 0;
const logger = Object.fromEntries(['trace', 'debug', 'warn', 'error'].map((level) => [level, () => {}]));
logger.info = (_fields, message) => {
  if (message === 'connected to the server') connected += 1;
  if (connected === Number(sessions)) process.stderr.write('"ready"\n');
};
for (let left = Number(sessions); left > 0; left -= CONNECTIONS) {
  await createClient({ url, token, connections: Math.min(left, CONNECTIONS), logger }).start();
}
