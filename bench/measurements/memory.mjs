// What idle connections and idle sessions keep in memory, and the CPU they use for nothing.
import { setTimeout as sleep } from 'node:timers/promises';
import { memoryOf, perPiece, REPORTING } from '../support/memory-of.mjs';
import { cpuSeconds } from '../support/processes.mjs';
import { inBench, listeningAt, startProgram, stopProgram } from '../support/program.mjs';
import { round } from '../support/statistics.mjs';
import { NO_LIMITS, startServer, startSessions } from '../support/tunnel.mjs';
import { ws } from '../support/ways.mjs';

const CHANNELS = 10_000;
const SESSIONS = 2_000;
/** In one of several client processes. */
const SESSIONS_EACH = 250;
/** How long CPU is measured, s, and how long programs rest before their memory is, ms. */
const PATIENCE = {
  // All that a program takes to let go of what it does not need any more.
  full: { seconds: 30, rest: 31_000 },
  quick: { seconds: 5, rest: 3_000 },
};

export const memory = {
  name: 'memory',
  steps: () => 3,

  async run({ place, effort, progress }) {
    const patience = PATIENCE[effort.quick ? 'quick' : 'full'];
    progress.step(`${CHANNELS} sockets`);
    const socket = await bytesOfSocket(place, patience);
    progress.step(`${CHANNELS} channels`);
    const channels = await idleChannels(place, patience);
    progress.step(`${SESSIONS} sessions`);
    const sessions = await idleSessions(patience);
    const memoryRows = [
      { what: 'a bare socket', ...inKibibytes(socket) },
      ...['client', 'server'].flatMap((end) => [
        { what: `an idle channel, ${end}`, ...inKibibytes(channels[end]) },
        { what: `the same beyond its socket, ${end}`, ...inKibibytes(difference(channels[end], socket)) },
      ]),
      { what: 'an idle session, client', ...inKibibytes(sessions.client) },
      { what: 'an idle session, server', ...inKibibytes(sessions.server) },
    ];
    const cpuRows = [
      { what: `${CHANNELS} idle channels, both ends`, '% of a core': round(channels.cpu * 100, 3) },
      { what: `${SESSIONS} idle sessions, server`, '% of a core': round(sessions.cpu * 100, 3) },
      { what: `${SESSIONS_EACH} idle sessions, client`, '% of a core': round(sessions.clientCpu * 100, 3) },
    ];
    const bars = memoryRows.map(({ what, 'KiB resident': value }) => {
      return { name: what, median: value, low: value, high: value };
    });
    return {
      tables: [
        { title: 'Memory', rows: memoryRows },
        { title: 'CPU when idle', rows: cpuRows },
      ],
      charts: [
        { file: 'memory', title: 'Memory of what is idle', unit: 'KiB resident', groups: [{ label: '', bars }] },
      ],
      data: { socket, channels, sessions },
    };
  },
};

async function bytesOfSocket({ target, startApplication }, { rest }) {
  const args = [...REPORTING, inBench('support/bare-sockets.mjs'), JSON.stringify({ to: target })];
  const child = await startProgram([], args, '"ready"');
  const application = startApplication();
  const open = { address: listeningAt(child), socks: false };
  await application.ask('hold', { open, channels: 100 });
  const before = await memoryOf(child, rest);
  await application.ask('hold', { open, channels: CHANNELS / 2 });
  const after = await memoryOf(child, rest);
  await application.ask('release');
  await stopProgram(child);
  return perPiece(before, after, CHANNELS - 200);
}

async function idleChannels(place, { seconds, rest }) {
  const way = await ws({ ...place, node: REPORTING });
  const [client, server] = way.children;
  const application = place.startApplication();
  const { open } = way;
  await application.ask('hold', { open, channels: 100 });
  const before = await Promise.all([client, server].map((child) => memoryOf(child, rest)));
  await application.ask('hold', { open, channels: CHANNELS });
  const after = await Promise.all([client, server].map((child) => memoryOf(child, rest)));
  const cpu = await cpuShare(way.pids, seconds);
  await application.ask('release');
  await way.stop();
  const [atClient, atServer] = before.map((one, i) => perPiece(one, after[i], CHANNELS - 100));
  return { client: atClient, server: atServer, cpu };
}

async function idleSessions({ seconds, rest }) {
  const server = await startServer({ node: REPORTING, options: NO_LIMITS });
  const url = `ws://${listeningAt(server).join(':')}`;
  const clients = [];
  const start = async (sessions) => clients.push(await startSessions(url, sessions, REPORTING));
  await start(10);
  await start(SESSIONS_EACH);
  const [clientBefore, clientAfter, before] = await Promise.all(
    [...clients, server].map((child) => memoryOf(child, rest)),
  );
  for (let i = 1; i < SESSIONS / SESSIONS_EACH; i++) await start(SESSIONS_EACH);
  const after = await memoryOf(server, rest);
  const cpu = await cpuShare([server.pid], seconds);
  const clientCpu = await cpuShare([clients[1].pid], seconds);
  for (const child of [...clients, server]) await stopProgram(child);
  return {
    client: perPiece(clientBefore, clientAfter, SESSIONS_EACH - 10),
    server: perPiece(before, after, SESSIONS - SESSIONS_EACH),
    cpu,
    clientCpu,
  };
}

async function cpuShare(pids, seconds) {
  const before = cpuSeconds(pids);
  await sleep(seconds * 1000);
  return (cpuSeconds(pids) - before) / seconds;
}

function difference(a, b) {
  return { resident: a.resident - b.resident, live: a.live - b.live };
}

function inKibibytes({ resident, live }) {
  return { 'KiB resident': round(resident / 1024, 2), 'KiB of JavaScript': round(live / 1024, 2) };
}
