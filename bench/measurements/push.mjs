// How many messages a server sends to many clients, what each costs, and how late it comes.
import { setTimeout as sleep } from 'node:timers/promises';
import { inBench, startProgram, stopProgram } from '../support/program.mjs';
import { round } from '../support/statistics.mjs';

/** In one of several client processes. */
const CLIENTS_EACH = 500;
/** Messages of 100 bytes, to each client; `numbered`: each once and in order, else written to a channel. */
const SCENARIOS = [
  { clients: 2_000, rate: 1, numbered: true },
  { clients: 2_000, rate: 5, numbered: true },
  { clients: 2_000, rate: 20, numbered: true },
  { clients: 2_000, rate: 20, numbered: false },
];
/** As goim's benchmark says it (docs/benchmark_en.md of goim 1800484): one machine with 24 cores of an E5-2630 v2, no acknowledgements. */
const GOIM = { clients: 1_000_000, 'received a second': 35_900_000, cores: 21.5, 'KiB a client': 14 };

export const push = {
  name: 'push',
  steps: () => SCENARIOS.length,

  async run({ effort, progress }) {
    const found = [];
    for (const scenario of SCENARIOS) {
      progress.step(`${scenario.clients} clients, ${scenario.rate} a second`);
      found.push({ scenario, ...(await measure(scenario, effort.quick ? 5 : 20)) });
    }
    return {
      tables: [
        { title: 'Messages of 100 bytes to clients', rows: found.map(rowOf) },
        { title: 'As goim says of itself, on another machine', rows: [goimRow()] },
      ],
      charts: [],
      data: found,
    };
  },
};

async function measure({ clients, rate, numbered }, seconds) {
  const server = await startProgram(
    [],
    [inBench('support/push-server.mjs'), JSON.stringify({ clients, rate, seconds, numbered })],
    '"ready"',
  );
  const { port } = JSON.parse(server.lines.find((line) => line.includes('"ready"')));
  const processes = [];
  try {
    for (let first = 0; first < clients; first += CLIENTS_EACH) {
      const some = {
        url: `ws://127.0.0.1:${port}/`,
        first,
        clients: Math.min(CLIENTS_EACH, clients - first),
        numbered,
      };
      processes.push(await startProgram([], [inBench('support/push-clients.mjs'), JSON.stringify(some)], '"ready"'));
    }
    // The first look is where counting begins, with the server's own warm-up behind it.
    await sleep(3_000);
    await look(processes);
    const began = performance.now();
    await sleep(seconds * 1_000);
    const told = await look(processes);
    const elapsed = (performance.now() - began) / 1_000;
    const [sent] = await said(server, '"sent"', 1);
    const sum = (figure) => told.reduce((all, one) => all + one[figure], 0);
    return {
      sent: sent.sent / seconds,
      refused: sent.refused,
      received: sum('received') / elapsed,
      serverCores: sent.cpu,
      clientCores: sum('cpu') / elapsed,
      serverBytes: sent.rss / clients,
      medianMs: Math.max(...told.map(({ median }) => median)),
      p99Ms: Math.max(...told.map(({ p99 }) => p99)),
    };
  } finally {
    await Promise.all([...processes, server].map((child) => stopProgram(child)));
  }
}

async function look(processes) {
  const before = processes.map(({ lines }) => lines.filter((line) => line.includes('"received"')).length);
  for (const { pid } of processes) process.kill(pid, 'SIGUSR2');
  return Promise.all(processes.map(async (child, i) => (await said(child, '"received"', before[i] + 1)).at(-1)));
}

async function said({ lines }, pattern, count) {
  for (;;) {
    const found = lines.filter((line) => line.includes(pattern));
    if (found.length >= count) return found.map((line) => JSON.parse(line));
    await sleep(50);
  }
}

function rowOf({ scenario, received, refused, serverCores, clientCores, serverBytes, medianMs, p99Ms }) {
  return {
    clients: scenario.clients,
    'each a second': scenario.rate,
    how: scenario.numbered ? 'once, in order' : 'a channel',
    'received a second': Math.round(received),
    refused,
    'server cores': round(serverCores, 2),
    'server µs each': round((serverCores / received) * 1e6, 1),
    'clients µs each': round((clientCores / received) * 1e6, 1),
    'median ms': round(medianMs, 1),
    'p99 ms': round(p99Ms, 1),
    'server KiB a client': round(serverBytes / 1_024, 1),
  };
}

function goimRow() {
  return { ...GOIM, 'µs each': round((GOIM.cores / GOIM['received a second']) * 1e6, 2) };
}
