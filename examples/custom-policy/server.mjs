// A server of its own whose policy is a file that is read anew for each connection, and which has a destination that no
// network leads to.
//
//   TOKEN=... PORT=8080 node examples/custom-policy/server.mjs allowed.json /run/docker.sock
//   wsproxy-client ws://127.0.0.1:8080/ --token-file token
//   curl -x http://127.0.0.1:1080 http://docker.internal/info
//
// allowed.json is a list of `host:port`, such as ["example.org:443"]; the policy may as well ask a database.

import { readFile } from 'node:fs/promises';
import { connect } from 'node:net';
import { createServer } from 'wsproxy-server';

const [listFile, unixSocket] = process.argv.slice(2);

const tunnel = createServer({
  token: process.env.TOKEN,

  // After the rules, which still refuse metadata services and the like; only `true` lets it through. When the file cannot
  // be read, nothing does.
  async policy({ user, host, port, address }) {
    const isAllowed = JSON.parse(await readFile(listFile, 'utf8')).includes(`${host}:${port}`);
    console.log(`${user.id} ${isAllowed ? 'may' : 'may not'} reach ${host}:${port} at ${address}`);
    return isAllowed;
  },

  // One name leads to a Unix socket, all others where they always do.
  dialer({ host, port, direct }) {
    return host === 'docker.internal' && port === 80 ? connect(unixSocket) : direct();
  },

  // Of this example only, so that it can be tried without the Internet.
  allowPrivate: process.env.ALLOW_PRIVATE === 'yes',
});

for (const signal of ['SIGINT', 'SIGTERM']) process.once(signal, () => void tunnel.close({ drain: 10_000 }));

const { address, port } = await tunnel.listen({ port: Number(process.env.PORT ?? 8080) });
console.log(`ready on ${address}:${port}`);
