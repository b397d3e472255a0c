import { once } from 'node:events';
import { MAX_THROUGHPUT, type Target, THROUGHPUT_HOST } from 'wsproxy-engine';
import type { ChannelStream } from 'wsproxy-node/relay';
import { type Finding, ok, skip, warn } from './finding.js';
import type { ProbeSession } from './probe-session.js';

/**
 * How fast bytes go each way; both ways together they are `mostBytes` at most. `onProgress` is told the share that is done,
 * 0 to 1.
 */
export async function checkThroughput(
  probe: ProbeSession,
  mostBytes: number,
  onProgress: (share: number) => void,
): Promise<Finding> {
  if (mostBytes < 2 * FIRST_MOVE) return skip('so little of the quota is left that nothing is measured');
  const { outcome } = await probe.ask(THROUGHPUT);
  if (outcome !== 'open') return skip('the server has nothing to measure with: it is older than this program');
  const down = await measure(
    (bytes) => download(probe, bytes),
    mostBytes / 2,
    (share) => onProgress(share / 2),
  );
  const up = await measure(
    (bytes) => upload(probe, bytes),
    mostBytes / 2,
    (share) => onProgress(0.5 + share / 2),
  );
  const figures = { downBytesPerSecond: Math.round(down), upBytesPerSecond: Math.round(up) };
  const text = `${formatRate(down)} down, ${formatRate(up)} up`;
  if (Math.min(down, up) >= SLOW) return ok(text, figures);
  return warn(
    text,
    'a slow path, or a limit of the server for this user (--limit-rate-up, --limit-rate-down)',
    figures,
  );
}

/** The service of the server that takes and gives bytes (PROTOCOL.md section 5). */
export const THROUGHPUT: Target = { host: THROUGHPUT_HOST, port: 1 };
/** Bytes. */
const FIRST_MOVE = 256 * 1024;
const PIECE = Buffer.alloc(65_536);
/** For each direction, ms: enough for windows to grow, and no waste. */
const MAX_TIME = 5_000;
/** For each move: a path on which even the first takes longer is not one to measure, ms. */
const MAX_MOVE = 60_000;
/** Below this pages load slowly, bytes a second. */
const SLOW = 128 * 1024;

/** Moves four times as much each time, as long as time and `mostBytes` allow: the last rate, bytes a second. */
async function measure(
  move: (bytes: number) => Promise<number>,
  mostBytes: number,
  onProgress: (share: number) => void,
): Promise<number> {
  const start = performance.now();
  let moved = 0;
  for (let bytes = FIRST_MOVE; ; bytes *= 4) {
    const ms = await move(bytes);
    moved += bytes;
    const spent = performance.now() - start;
    onProgress(Math.max(spent / MAX_TIME, moved / mostBytes));
    const isEnough = bytes * 4 > MAX_THROUGHPUT || moved + bytes * 4 > mostBytes || spent + 4 * ms > MAX_TIME;
    if (isEnough) return (bytes * 1000) / ms;
  }
}

/** Ms from the first byte that comes to the last. */
async function download(probe: ProbeSession, bytes: number): Promise<number> {
  return timed(probe, async (stream) => {
    stream.end(request(bytes));
    await readToEnd(stream, bytes);
  });
}

/** Ms until the server has said that it has taken everything. */
async function upload(probe: ProbeSession, bytes: number): Promise<number> {
  return timed(probe, async (stream) => {
    const taken = readToEnd(stream, 0);
    await Promise.race([taken, fill(stream, bytes)]);
    await taken;
  });
}

async function fill(stream: ChannelStream, bytes: number): Promise<void> {
  stream.write(request(0));
  for (let sent = 0; sent < bytes; sent += PIECE.length) {
    if (!stream.write(PIECE)) await once(stream, 'drain');
  }
  stream.end();
}

/** Ms that a move takes. Rejects when it has no end, or the server says more than it was asked for. */
async function timed(probe: ProbeSession, move: (stream: ChannelStream) => Promise<void>): Promise<number> {
  const stream = probe.open(THROUGHPUT);
  const start = performance.now();
  const timer = setTimeout(() => {
    stream.destroy(new Error(`the measurement had no end within ${MAX_MOVE / 1000} s`));
  }, MAX_MOVE);
  try {
    await move(stream);
    return performance.now() - start;
  } finally {
    clearTimeout(timer);
    stream.destroy();
  }
}

async function readToEnd(stream: ChannelStream, most: number): Promise<void> {
  let received = 0;
  for await (const chunk of stream as AsyncIterable<Buffer>) {
    received += chunk.length;
    if (received > most) throw new Error('the server sends more than it was asked for');
  }
}

/** How many bytes are wanted back. */
function request(bytes: number): Buffer {
  const head = Buffer.alloc(8);
  head.writeBigUInt64BE(BigInt(bytes));
  return head;
}

function formatRate(bytesPerSecond: number): string {
  const megabits = (bytesPerSecond * 8) / 1e6;
  return `${megabits >= 10 ? Math.round(megabits) : megabits.toPrecision(2)} Mbit/s`;
}
