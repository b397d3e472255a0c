// Flows and connections through one tunnel over an emulated link: what each does to the other.
import { setTimeout as sleep } from 'node:timers/promises';
import { wsproxy } from './datagram-ways.mjs';
import { DESTINATION, measure, onHost, steadyRate } from './link.mjs';
import { inBench, startProgram, stopProgram } from './program.mjs';
import { median, quantile, round } from './statistics.mjs';

const DATAGRAMS = 7003;
/** Bytes of each datagram. */
const SIZE = 1_200;
/** Three times what the link carries. */
const FLOOD = { mbit: 60, echo: false };
const THIN = { mbit: 1, echo: true };

export async function flows(hosts, { seconds, repeats, rtt }) {
  const { b, address } = hosts;
  const words = [inBench('support/datagram-destination.mjs'), address, String(DATAGRAMS)];
  const destination = await startProgram(b, words, '"ready"');
  try {
    const runs = { idle: [], plain: [], flood: [], down: [], up: [] };
    for (let turn = 0; turn < repeats; turn++) {
      runs.idle.push(await plainEcho(hosts, seconds, null));
      runs.plain.push(await plainEcho(hosts, seconds, 'up'));
      runs.flood.push(await besideFlood(hosts, seconds));
      for (const bulk of ['down', 'up']) runs[bulk].push(await besideTcp(hosts, seconds, bulk));
    }
    const echo = (each, q) => round(median(each.map(({ echoes }) => quantile(echoes, q))));
    const echoRow = (what, each) => ({ what, 'echo p50 ms': echo(each, 0.5), 'echo p99': echo(each, 0.99) });
    return [
      echoRow('plain TCP, nothing beside', runs.idle),
      echoRow('plain TCP beside plain TCP up', runs.plain),
      echoRow('tunnel, beside a flood of datagrams up', runs.flood),
      ...['down', 'up'].map((bulk) => thinRow(`flow of 1 Mbit/s beside TCP ${bulk}`, runs[bulk], rtt)),
    ];
  } finally {
    await stopProgram(destination);
  }
}

function thinRow(what, each, rtt) {
  const flow = (of) => round(median(each.map((run) => of(run.flow))), 2);
  return {
    what,
    'lost %': flow(({ sent, answered }) => ((sent - answered) / sent) * 100),
    'over the path p50 ms': flow(({ times }) => quantile(times, 0.5) - rtt),
    'over the path p99': flow(({ times }) => quantile(times, 0.99) - rtt),
    'TCP Mbit/s': round(median(each.map(steadyRate))),
  };
}

function plainEcho(hosts, seconds, bulk) {
  const what = { via: null, target: [hosts.address, DESTINATION], echo: true, bulk, seconds };
  return measure(hosts, what);
}

/** An echo by TCP while datagrams flood the same tunnel, from after they have begun until before they end. */
function besideFlood(hosts, seconds) {
  return throughTunnel(hosts, async (sendDatagrams, useTcp) => {
    const flood = sendDatagrams({ ...FLOOD, seconds });
    await sleep(1_500);
    const found = await useTcp({ echo: true, seconds: seconds - 3 });
    await flood;
    return found;
  });
}

/** Datagrams at a low rate while TCP fills the same tunnel, from after it has begun until before it ends. */
function besideTcp(hosts, seconds, bulk) {
  return throughTunnel(hosts, async (sendDatagrams, useTcp) => {
    const transfer = useTcp({ bulk, seconds });
    await sleep(2_000);
    // The last one is waited for, too.
    const flow = await sendDatagrams({ ...THIN, seconds: seconds - 4 });
    return { ...(await transfer), flow };
  });
}

async function throughTunnel(hosts, use) {
  const { a, b, address } = hosts;
  const tunnel = await wsproxy({ target: [address, DATAGRAMS], serverHost: b, clientHost: a, address });
  const sendDatagrams = async (load) => {
    const options = JSON.stringify({ to: tunnel.address, size: SIZE, ...load });
    const command = [process.execPath, inBench('support/datagram-load.mjs'), options];
    return JSON.parse((await onHost(a, command, { maxBuffer: 2 ** 26 })).stdout);
  };
  const useTcp = (what) => measure(hosts, { ...what, via: tunnel.socks, target: [address, DESTINATION] });
  try {
    // The path is what is measured, not how the programs warm up.
    await sleep(1_000);
    return await use(sendDatagrams, useTcp);
  } finally {
    await tunnel.stop();
  }
}
