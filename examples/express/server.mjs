// A tunnel inside an Express application, whose pages give tokens to users, take them away, and count what they use.
//
//   ADMIN_KEY=$(head -c 32 /dev/urandom | base64) PORT=3000 node examples/express/server.mjs
//   curl -X POST -H "X-Admin-Key: $ADMIN_KEY" http://127.0.0.1:3000/users/alice/token > token
//   wsproxy-client ws://127.0.0.1:3000/tunnel --token-file token

import { createHash, randomBytes, timingSafeEqual } from 'node:crypto';
import { createServer as createHttpServer } from 'node:http';
import express from 'express';
import { createServer } from 'wsproxy-server';

const sha256 = (text = '') => createHash('sha256').update(text).digest('hex');

/** Ids of users by the digest of their token; a database, in earnest. */
const users = new Map();
/** Bytes of each user. */
const usage = new Map();

const tunnel = createServer({
  authenticate({ headers }) {
    const id = users.get(sha256(headers.authorization?.replace(/^Bearer +/i, '')));
    return id && { id, limits: { sessions: 2, bytesPerSecondDown: 10_000_000 } };
  },
  observer: {
    onChannelOver({ user, bytesUp, bytesDown }) {
      usage.set(user, (usage.get(user) ?? 0) + bytesUp + bytesDown);
    },
  },
  // Of this example only, so that it can be tried without the Internet.
  allowPrivate: process.env.ALLOW_PRIVATE === 'yes',
});

const app = express();

if (!process.env.ADMIN_KEY) throw new Error('ADMIN_KEY is needed');
const adminKey = Buffer.from(sha256(process.env.ADMIN_KEY));
app.use((request, response, next) => {
  if (timingSafeEqual(Buffer.from(sha256(request.get('x-admin-key'))), adminKey)) next();
  else response.sendStatus(403);
});

app.post('/users/:id/token', (request, response) => {
  const token = randomBytes(32).toString('base64url');
  users.set(sha256(token), request.params.id);
  response.status(201).type('text').send(`${token}\n`);
});

app.delete('/users/:id', (request, response) => {
  for (const [digest, id] of users) if (id === request.params.id) users.delete(digest);
  // Anyone who is connected is so no more.
  response.json({ sessions: tunnel.endSessions(request.params.id) });
});

app.get('/usage', (_request, response) => {
  response.json(Object.fromEntries(usage));
});

const http = createHttpServer(app);
http.on('upgrade', (request, socket, head) => {
  if (request.url === '/tunnel') tunnel.handleUpgrade(request, socket, head);
  else socket.destroy();
});

async function stop() {
  await tunnel.close({ drain: 10_000 });
  http.close();
}
for (const signal of ['SIGINT', 'SIGTERM']) process.once(signal, () => void stop());

http.listen(Number(process.env.PORT ?? 3000), '127.0.0.1', () => {
  console.log(`http://127.0.0.1:${http.address().port}`);
});
