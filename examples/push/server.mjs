// A push service: anyone who POSTs a message to it has it at a client, once and in order, also after a restart of this program.
//   export WSPROXY_TOKEN=$(head -c 32 /dev/urandom | base64)                (32 characters or more)
//   USERS='{"alice":"'$WSPROXY_TOKEN'"}' node examples/push/server.mjs messages.log
//   curl -d 'good morning' http://127.0.0.1:8080/push/alice
// A client, with the same WSPROXY_TOKEN: node examples/push/client.mjs ws://127.0.0.1:8080/tunnel had.json
// Or a page in place of that client: start the server with ORIGIN=http://127.0.0.1:8080, and open that address in a browser.
// PORT is another port than 8080.

import { createHash } from 'node:crypto';
import { createServer } from 'node:http';
import { text } from 'node:stream/consumers';
import { createPushes, createServer as createTunnel } from 'wsproxy-server';
import { FileStore } from './file-store.mjs';

const [, , file = 'messages.log'] = process.argv;
const users = orExit(() => readUsers(process.env.USERS ?? '{}'));

/** Where the page is; without it there is no page. */
const origin = process.env.ORIGIN;

const tunnel = orExit(() => createTunnel({ users, ...(origin && { tickets: true, allowOrigins: [origin] }) }));
const pushes = createPushes(tunnel, { store: new FileStore(file) });

const page = origin && (await (await import('./page-server.mjs')).createPage({ origin, users, tunnel }));

const web = createServer((request, response) => void answer(request, response));

async function answer(request, response) {
  if (await page?.(request, response)) return;
  const [, user] = /^\/push\/([\w.@+-]{1,64})$/.exec(request.url ?? '') ?? [];
  if (request.method !== 'POST' || user === undefined || !tunnel.userIds.has(user))
    return response.writeHead(404).end();
  try {
    const number = await pushes.send(user, 'messages', await text(request));
    response.writeHead(202).end(`${number}\n`);
  } catch (error) {
    // The client is away for long, and too much waits for it; or the disk is full.
    response.writeHead(503).end(`${error.message}\n`);
  }
}

web.on('upgrade', (request, socket, head) => {
  if (request.url?.split('?')[0] === '/tunnel') tunnel.handleUpgrade(request, socket, head);
  else socket.destroy();
});
web.listen(Number(process.env.PORT ?? 8080), '127.0.0.1', () => {
  console.log(`http://127.0.0.1:${web.address().port}/push/USER`);
});

process.once('SIGTERM', () => {
  pushes.close();
  void tunnel.close();
  web.close();
});

function readUsers(text) {
  try {
    return Object.entries(JSON.parse(text)).map(([id, token]) => ({
      id,
      tokenSha256: createHash('sha256').update(token).digest('hex'),
    }));
  } catch {
    // What is wrong there may be a token.
    throw new Error('USERS: expected JSON with the token of each user, such as {"alice":"TOKEN"}');
  }
}

function orExit(act) {
  try {
    return act();
  } catch ({ message }) {
    console.error(message);
    process.exit(1);
  }
}
