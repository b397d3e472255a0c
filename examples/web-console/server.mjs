// A console in a page: ssh from the page to any server that its user may reach, and containers of this machine. It goes on
// after a lost connection, sleep, and a change of network. docs/console.md says how to deploy it.
//
//   node examples/web-console/build.mjs                     (makes the page)
//   node examples/web-console/server.mjs console.json
//
// PORT is another port than that of the file.

import { createServer as createHttpServer } from 'node:http';
import { createServer } from 'wsproxy-server';
import { createAudit } from './server/audit.mjs';
import { readConfig, toUserEntry, warningsAbout } from './server/config.mjs';
import { CONTAINER_HOST, createContainerService } from './server/containers.mjs';
import { Engine } from './server/engine.mjs';
import { Logins } from './server/logins.mjs';
import { createRecorder } from './server/recordings.mjs';
import { Refusals } from './server/refusals.mjs';
import { createRemoteAddressOf } from './server/remote-address.mjs';
import { createWeb } from './server/web.mjs';

const TUNNEL = '/tunnel';
/** A console whose page sleeps is kept for so long, ms. */
const GRACE = 60 * 60 * 1000;

const [, , configFile = 'console.json'] = process.argv;

let config = orExit(() => readConfig(configFile));
const findUser = (id) => config.users.find((user) => user.id === id);
const audit = createAudit(config.audit);
const refusals = new Refusals(audit);
const port = Number(process.env.PORT ?? config.port);
const isBehindTls = config.origin.startsWith('https:');

const containers =
  config.containerEngine &&
  createContainerService({
    engine: new Engine(config.containerEngine),
    findUser,
    audit,
    record: config.recordings && orExit(() => createRecorder(config.recordings)),
  });

const tunnel = orExit(() =>
  createServer({
    users: config.users.map(toUserEntry),
    tickets: true,
    allowOrigins: [config.origin],
    trustedProxies: config.trustedProxies,
    grace: GRACE,
    // The service answers itself, by its own rules. For everything else those of the user count.
    dialer({ host, user, direct }) {
      return host === CONTAINER_HOST && containers ? containers.open(user.id) : direct();
    },
    observer: {
      onChannelOpened({ user, session, channel, target, address }) {
        if (!isContainer(target))
          audit.write('console opened', { user, from: fromOf(session), session, channel, target, address });
      },
      onChannelOver({ user, session, channel, target, outcome, bytesUp, bytesDown, durationMs }) {
        if (isContainer(target)) return;
        audit.write('console closed', { user, session, channel, target, outcome, bytesUp, bytesDown, durationMs });
      },
    },
  }),
);

const isContainer = (target) => target.startsWith(`${CONTAINER_HOST}:`);
const fromOf = (session) => tunnel.sessions().find(({ id }) => id === session)?.remoteAddress;

const web = createHttpServer(
  orExit(() =>
    createWeb({
      origin: config.origin,
      logins: new Logins(findUser, isBehindTls),
      makeTicket: async (id) => (await tunnel.createTicket({ id }, { origin: config.origin })).ticket,
      hasContainers: containers !== undefined,
      remoteAddressOf: createRemoteAddressOf(config.trustedProxies),
      audit,
      refusals,
    }),
  ),
);
web.on('upgrade', (request, socket, head) => {
  if (request.url?.split('?')[0] === TUNNEL) tunnel.handleUpgrade(request, socket, head);
  else socket.destroy();
});
web.once('error', ({ code, message }) => {
  console.error(code === 'EADDRINUSE' ? `port: another program has ${port} at ${config.host}` : message);
  process.exit(1);
});
web.listen(port, config.host, () => {
  for (const warning of warningsAbout(config)) console.error(`${configFile}: ${warning}`);
  console.log(`ready on ${config.host}:${web.address().port} for ${config.origin}`);
});

// Users who are removed are out at once, and so are consoles of rules that are removed.
process.on('SIGHUP', () => {
  try {
    const { users } = readConfig(configFile);
    tunnel.setUsers(users.map(toUserEntry));
    config = { ...config, users };
    containers?.applyRules();
    console.log('users reloaded');
  } catch ({ message }) {
    console.error(`${message}; the former users stay`);
  }
});

for (const signal of ['SIGINT', 'SIGTERM']) process.once(signal, () => void stop());

async function stop() {
  web.close();
  await tunnel.close({ drain: 1_000 });
  await containers?.ended();
  web.closeAllConnections();
  refusals.flush();
  await audit.close();
}

/** What is wrong with the configuration, or with this folder, is told in one line. */
function orExit(act) {
  try {
    return act();
  } catch ({ message }) {
    console.error(message);
    process.exit(1);
  }
}
