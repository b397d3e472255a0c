import { setTimeout as pause } from 'node:timers/promises';
import { makeCertificate } from 'wsproxy-test-support/certificate';
import { startNginx } from 'wsproxy-test-support/programs/nginx';
import type { Cut } from 'wsproxy-test-support/sockets/cutting-relay';
import { freePort } from 'wsproxy-test-support/sockets/listen';
import { temporaryFolder } from 'wsproxy-test-support/temporary-folder';
import { until } from 'wsproxy-test-support/until';
import type { Ends, Lab } from '../lab/lab.js';
import type { Scenario } from '../scenario.js';

const MIB = 1024 * 1024;
const GIB = 1024 * MIB;
/** Longer than it takes to suspect a silent transport, and to be told by a machine that has other work, ms. */
const BACK_IN = 60_000;
const SILENCE = 3_000;
const STOPPED = 5_000;
/** What is to be passed in a quick run must not be over before the last fault has struck. */
const UNHURRIED = { bandwidth: 32 * MIB };

/** Cuts, a relay that is away for a moment, a black hole that ends, a process that stands still, a reload. */
type Fault = Cut | 'away' | 'black hole' | 'stopped client' | 'stopped server' | 'reload';

interface Plan {
  /** Bytes each way. */
  readonly length: number;
  readonly faults: Partial<Readonly<Record<Fault, number>>>;
  readonly reload?: () => unknown;
}

/** Moves bytes both ways while the faults strike at places that chance has chosen; all of it must arrive. */
async function strike(lab: Lab, ends: Ends, { length, faults, reload }: Plan): Promise<void> {
  const { relay, client, server } = ends;
  let passed = 0;
  relay.onBytes = (_, bytes) => {
    passed += bytes;
  };
  let isOver = false;
  const start = performance.now();
  const transfer = lab.exchange(ends.proxy, { kind: 'both', up: length, down: length, pause: 0 }).finally(() => {
    isOver = true;
  });

  const stop = async (end: Ends['client'], kind: Fault): Promise<void> => {
    end.program.signal('SIGSTOP');
    await pause(lab.size(STOPPED, STOPPED / 5));
    end.program.signal('SIGCONT');
    await lab.recovery(kind, client, { cut: false, within: BACK_IN });
  };
  const inflict: Readonly<Record<Fault, () => Promise<void>>> = {
    reset: () => cut('reset'),
    end: () => cut('end'),
    silence: () => cut('silence'),
    away: async () => {
      const back = lab.recovery('away', client, { cut: true, within: BACK_IN });
      await relay.stop();
      await pause(lab.dice.between(50, 300));
      await relay.start();
      await back;
    },
    'black hole': async () => {
      relay.hold();
      await pause(lab.size(SILENCE, SILENCE / 3));
      relay.release();
      await lab.recovery('black hole', client, { cut: false, within: BACK_IN });
    },
    'stopped client': () => stop(client, 'stopped client'),
    'stopped server': () => stop(server, 'stopped server'),
    reload: async () => {
      const back = lab.recovery('reload', client, { cut: true, within: BACK_IN });
      await reload?.();
      await back;
    },
  };
  async function cut(kind: Cut): Promise<void> {
    const back = lab.recovery(kind, client, { cut: true, within: BACK_IN });
    relay.cut(kind);
    await back;
  }

  const all = lab.dice.shuffle(
    Object.entries(faults).flatMap(([kind, count]) => Array<Fault>(count).fill(kind as Fault)),
  );
  let struck = 0;
  for (const [n, kind] of all.entries()) {
    // Spread over what is left: while a path comes back, or a reload lets the old one live, bytes pass as well.
    // The last one strikes before the end, as what runs late must find something under way.
    const place = passed + lab.dice.between(0, (0.9 * (length * 2 - passed)) / (all.length - n));
    await until('the next place is reached', () => isOver || passed >= place, BACK_IN);
    if (isOver) break;
    lab.status = `${n} of ${all.length} faults, ${Math.round(passed / MIB)} of ${(length * 2) / MIB} MiB`;
    await inflict[kind]();
    struck += 1;
  }
  lab.status = 'the rest of the bytes';
  await transfer;
  const seconds = (performance.now() - start) / 1000;
  lab.figure('faults', struck);
  lab.figure('transports', relay.accepted);
  lab.figure('MiB/s', (length * 2) / MIB / seconds);
  if (struck < all.length) lab.fail(`only ${struck} of ${all.length} faults struck before the end`);
  await lab.expectIntact();
  await lab.settle(ends);
}

export const kills: readonly Scenario[] = [
  {
    id: 'S1',
    title: '1 GiB each way while the transport is killed 100 times: reset, ended, silent, refused for a moment',
    hostile: ['J1', 'J2'],
    run: async (lab) => {
      const ends = await lab.startTunnel();
      if (lab.effort === 'quick') ends.relay.conditions = UNHURRIED;
      await strike(lab, ends, {
        length: lab.size(GIB, 96 * MIB),
        faults: lab.size({ reset: 40, end: 40, away: 12, silence: 8 }, { reset: 4, end: 4, away: 2 }),
      });
    },
  },
  {
    id: 'S1n',
    title: 'the same through nginx with TLS, which is reloaded 10 times meanwhile',
    programs: ['nginx', 'openssl', 'curl'],
    run: async (lab) => {
      const folder = temporaryFolder();
      const certificate = await makeCertificate(folder, 'DNS:localhost', 1);
      let reload: () => unknown = () => {};
      const ends = await lab.startTunnel({
        server: ['--path', '/tunnel', '--trusted-proxy', '127.0.0.1'],
        clientOptions: { env: { NODE_EXTRA_CA_CERTS: certificate.file } },
        behind: async (serverPort) => {
          const port = await freePort();
          ({ reload } = await startNginx({ folder, port, serverPort, certificate }));
          return { port, url: (relayPort) => `wss://localhost:${relayPort}/tunnel` };
        },
      });
      // A reload lets connections live on for a second: what is to be passed must not be over by then.
      ends.relay.conditions = { bandwidth: lab.size(24, 16) * MIB };
      await strike(lab, ends, {
        length: lab.size(GIB, 48 * MIB),
        faults: lab.size({ reset: 40, end: 40, away: 12, silence: 8, reload: 10 }, { reset: 3, end: 3, reload: 1 }),
        reload,
      });
    },
  },
  {
    id: 'S2',
    title: '1 GiB each way through 25 resets, 25 ends, 25 black holes of 3 s, and 25 stops of a process for 5 s',
    run: async (lab) => {
      const ends = await lab.startTunnel();
      if (lab.effort === 'quick') ends.relay.conditions = UNHURRIED;
      await strike(lab, ends, {
        length: lab.size(GIB, 96 * MIB),
        faults: lab.size(
          { reset: 25, end: 25, 'black hole': 25, 'stopped client': 13, 'stopped server': 12 },
          { reset: 1, end: 1, 'black hole': 2, 'stopped client': 1, 'stopped server': 1 },
        ),
      });
    },
  },
];
