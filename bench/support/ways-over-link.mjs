// The ways of a transport over an emulated link, beside plain TCP: the WebSocket, HTTP, and HTTP through a proxy that holds
// back bodies, or answers as well, until they are whole.
import { setTimeout as sleep } from 'node:timers/promises';
import { DESTINATION, measure, steadyRate } from './link.mjs';
import { inBench, listeningAt, startProgram, stopProgram } from './program.mjs';
import { median, quantile, round } from './statistics.mjs';
import { startTunnel } from './tunnel.mjs';

/** By its name: what the client is told, what the proxy before it holds back if there is one, and the `way` in the client's log. */
const WAYS = {
  WebSocket: { transport: 'ws' },
  HTTP: { transport: 'http', way: 'HTTP' },
  'HTTP, up in pieces': { transport: 'http', way: 'HTTP', proxy: { answers: false } },
  'HTTP, up in pieces, down by polls': { transport: 'http', way: 'HTTP polling', proxy: { answers: true } },
};

/** How long the client tries what the proxy does not pass, and a little more, ms. */
const TRIAL = 3_000;
/** In which it has to be connected, ms. */
const PATIENCE = 10_000;

/** A transfer in each direction with an echo beside it, each tunnel fresh, in turns. */
export async function ways(hosts, { seconds, repeats, rtt }) {
  const runs = Object.fromEntries(['plain TCP', ...Object.keys(WAYS)].map((name) => [name, { down: [], up: [] }]));
  for (let turn = 0; turn < repeats; turn++) {
    for (const bulk of ['down', 'up']) {
      const what = { bulk, echo: true, seconds, target: [hosts.address, DESTINATION] };
      runs['plain TCP'][bulk].push(await measure(hosts, { ...what, via: null }));
      for (const [name, way] of Object.entries(WAYS)) runs[name][bulk].push(await measureBy(way, hosts, what));
    }
  }
  const plain = figuresOf(runs['plain TCP']);
  return Object.entries(runs).map(([name, each]) => rowOf(name, figuresOf(each), plain, rtt));
}

function figuresOf(runs) {
  const figures = (each) => ({
    rate: median(each.map(steadyRate)),
    echo: median(each.map(({ echoes }) => quantile(echoes, 0.5))),
  });
  return { down: figures(runs.down), up: figures(runs.up) };
}

function rowOf(name, figures, plain, rtt) {
  const row = { way: name };
  for (const bulk of ['down', 'up']) {
    const { rate, echo } = figures[bulk];
    row[`${bulk} Mbit/s`] = round(rate, 2);
    row[`${bulk} ratio`] = round(rate / plain[bulk].rate, 3);
    row[`echo p50 beside ${bulk} ms`] = round(echo);
    row[`later beside ${bulk}, round trips`] = round((echo - plain[bulk].echo) / rtt, 2);
  }
  return row;
}

async function measureBy({ transport, way, proxy }, hosts, what) {
  const { a, b, address } = hosts;
  let holding;
  const startProxy = async (to) => {
    holding = await startProgram(
      a,
      [inBench('support/holding-proxy.mjs'), JSON.stringify({ to, ...proxy })],
      '"ready"',
    );
    return listeningAt(holding);
  };
  const via = proxy && startProxy;
  const clientOptions = ['--transport', transport];
  const tunnel = await startTunnel({ serverHost: b, clientHost: a, address, via, clientOptions });
  try {
    await connected(tunnel.client, way);
    await sleep(TRIAL);
    return await measure(hosts, { ...what, via: tunnel.socks });
  } finally {
    await tunnel.stop();
    if (holding !== undefined) await stopProgram(holding);
  }
}

/** Throws unless it is connected by that way. */
async function connected({ lines }, way) {
  for (const start = performance.now(); performance.now() - start < PATIENCE; await sleep(50)) {
    const line = lines.map((text) => JSON.parse(text)).find(({ msg }) => msg === 'connected to the server');
    if (line === undefined) continue;
    if (line.way !== way) throw new Error(`connected by ${line.way}, not by ${way}`);
    return;
  }
  throw new Error(`not connected: ${lines.join('\n')}`);
}
