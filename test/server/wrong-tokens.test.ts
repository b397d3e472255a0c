import { readFileSync } from 'node:fs';
import { connect } from 'node:net';
import { expect, test } from 'vitest';
import { start } from 'wsproxy-test-support/programs/command-line';
import { requestUpgrade } from 'wsproxy-test-support/wire/raw-websocket';

const ATTEMPTS = 100_000;
/** Attempts at a time: fewer than the places there are, so that all are answered. */
const CONCURRENCY = 64;
const MEBIBYTE = 1_048_576;
/** On Node 24 the young generation alone grows by 150 MiB, no matter what is kept: it does not count here. */
const SMALL_YOUNG_GENERATION = { NODE_OPTIONS: '--max-semi-space-size=8' };

/** One request with a wrong token; the status of the answer. */
function guess(port: number, n: number): Promise<number> {
  return new Promise((resolve, reject) => {
    const socket = connect(port, '127.0.0.1');
    socket.on('error', reject);
    socket.on('data', (answer) => {
      // No TIME_WAIT: there are not ports enough for so many.
      socket.resetAndDestroy();
      resolve(Number(String(answer).split(' ', 2)[1]));
    });
    const token = n.toString(16).padStart(64, '0');
    socket.write(
      `GET / HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n` +
        `Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\nSec-WebSocket-Protocol: wsproxy.v1\r\n` +
        `Authorization: Bearer ${token}\r\n\r\n`,
    );
  });
}

function residentBytes(pid: number): number {
  return Number(/^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]) * 1_024;
}

test.skipIf(process.platform !== 'linux')(
  '100 000 wrong tokens leave the memory of the server as it is, and a valid client connects meanwhile',
  { timeout: 240_000 },
  async () => {
    const { program, port } = await start('wsproxy-server', [], { env: SMALL_YOUNG_GENERATION });
    const statuses = new Map<number, number>();
    const waits: number[] = [];
    let [next, early] = [0, 0];
    const guessOn = async (): Promise<void> => {
      while (next < ATTEMPTS) {
        const n = next++;
        if (n === ATTEMPTS / 5) early = residentBytes(program.pid);
        if (n % (ATTEMPTS / 10) === ATTEMPTS / 20) {
          const before = performance.now();
          const { status, socket } = await requestUpgrade(port);
          waits.push(performance.now() - before);
          socket.destroy();
          expect(status).toBe(101);
        }
        const status = await guess(port, n);
        statuses.set(status, (statuses.get(status) ?? 0) + 1);
      }
    };
    const began = performance.now();
    await Promise.all(Array.from({ length: CONCURRENCY }, guessOn));
    const seconds = (performance.now() - began) / 1_000;
    const growth = (residentBytes(program.pid) - early) / MEBIBYTE;
    console.log(
      `${ATTEMPTS} wrong tokens at ${Math.round(ATTEMPTS / seconds)}/s: resident memory ${(early / MEBIBYTE).toFixed(1)} MiB ` +
        `after the first fifth, ${growth.toFixed(1)} more at the end; valid clients connected within ${Math.ceil(Math.max(...waits))} ms`,
    );

    expect([...statuses]).toEqual([[401, ATTEMPTS]]);
    expect(waits).toHaveLength(10);
    expect(Math.max(...waits)).toBeLessThan(1_000);
    expect(growth).toBeLessThan(32);
  },
);
